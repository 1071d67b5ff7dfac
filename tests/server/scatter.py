"""Ids that run backwards, as those of a real server may: there they follow no order at all."""

from __future__ import annotations

from collections import Counter
from typing import Any

from omero_sandbox.server import SandboxServer

_FIRST = 1_000_000


def scatter_ids(sandbox: SandboxServer) -> None:
    """Let every new row of a sandbox have a smaller id than the one before."""
    store: Any = sandbox.store
    insert, made = store.insert, Counter[str]()

    def insert_backwards(type_name: str, values: dict[str, Any], **more: Any) -> Any:
        made[type_name] += 1
        # classes below one root share their ids
        return insert(type_name, values, **({"id": _FIRST - made.total()} | more))

    store.insert = insert_backwards
