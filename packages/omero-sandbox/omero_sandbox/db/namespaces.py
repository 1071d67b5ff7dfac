"""Namespaces of annotations, which a trigger of the database makes known with their first annotation."""

from __future__ import annotations

import time

from omero_sandbox.db import violations
from omero_sandbox.db.store import Row, Store
from omero_sandbox.net.pause import let_others_in

#: Seconds that a new namespace makes a transaction last: others that begin meanwhile do not see it.
_GAP = 0.002


def register(store: Store, annotation: Row, *, began: float, event: int) -> None:
    """Make the namespace of a new or changed annotation known.

    Parameters
    ----------
    began
        When the transaction began, by `time.monotonic`.

    Raises
    ------
    omero.ValidationException
        Another transaction, not ended when this one began, has made the same namespace known.
    """
    name = annotation.values.get("ns")
    if not name:
        return
    known = store.lookup("Namespace", "name", name)
    if known is None:
        let_others_in(_GAP)
        made = store.insert("Namespace", {"name": name}, event=event)
        store.made_at[made.id] = time.monotonic(), event
        return
    made_at, made_by = store.made_at.get(known.id, (began, event))
    if made_at > began and made_by != event:
        raise violations.refused_insert(annotation.model, "namespace_name")
