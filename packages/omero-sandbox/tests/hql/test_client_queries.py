"""Queries of other clients run, on objects and on an empty server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from omero_sandbox.db import bootstrap
from omero_sandbox.db.store import Store
from omero_sandbox.hql.query import execute

if TYPE_CHECKING:
    from .conftest import World

_LINES = Path(__file__).with_name("client_queries.txt").read_text(encoding="utf-8").splitlines()
QUERIES = [line for line in _LINES if line and not line.startswith("#")]

_TEXTS = {"ns", "ratingns", "val", "key", "value", "tagvalue", "oname", "action", "type", "mimetype", "start"}
_LISTS: dict[str, list[Any]] = {"ids": [1, 2], "oids": [1], "gids": [0], "nss": ["a"], "names": ["root"]}


class _Parameters(dict[str, Any]):
    """A value for whatever a query asks."""

    def get(self, name: str, default: Any = None) -> Any:
        return _LISTS.get(name) or ("tag" if name in _TEXTS else 1)


@pytest.fixture(scope="module")
def empty() -> Store:
    store = Store()
    bootstrap.install(store, "omero")
    return store


@pytest.mark.parametrize("text", QUERIES)
def test_runs_on_an_empty_server_and_on_objects(world: World, empty: Store, text: str) -> None:
    before = execute(empty, lambda _: True, text, _Parameters())
    after = execute(world.store, lambda _: True, text, _Parameters())
    assert len(before.kinds) == len(after.kinds) >= 1
    assert len(after.rows) >= len(before.rows)


def test_the_queries_of_the_list_find_something(world: World) -> None:
    found = [text for text in QUERIES if execute(world.store, lambda _: True, text, _Parameters()).rows]
    assert len(found) > len(QUERIES) / 3
