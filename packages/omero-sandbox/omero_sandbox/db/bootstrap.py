"""What a freshly installed OMERO database holds: enumerations, users, groups and the first event."""

from __future__ import annotations

from omero_sandbox.db.schema import schema
from omero_sandbox.db.store import Row, Store
from omero_sandbox.security import roles
from omero_sandbox.security.passwords import set_password

_FIRST_EVENT = 0
_BIT_SIZES = {
    "bit": 1,
    "int8": 8,
    "int16": 16,
    "int32": 32,
    "uint8": 8,
    "uint16": 16,
    "uint32": 32,
    "float": 32,
    "double": 64,
    "complex": 64,
    "double-complex": 128,
}


def install(store: Store, root_password: str) -> None:
    """Fill an empty store."""
    with store.transaction():
        for model in schema():
            for value in model.enumeration:
                extra = {"bitSize": _BIT_SIZES[value]} if model.name == "PixelsType" else {}
                store.insert(model.name, {"value": value, **extra})
        _add_group(store, roles.SYSTEM_GROUP, roles.SYSTEM_GROUP_NAME, "rw----")
        _add_group(store, roles.USER_GROUP, roles.USER_GROUP_NAME, "rwr-r-")
        _add_group(store, roles.GUEST_GROUP, roles.GUEST_GROUP_NAME, "rwr---")
        root = _add_user(store, roles.ROOT, roles.ROOT_NAME, "root")
        guest = _add_user(store, roles.GUEST, roles.GUEST_NAME, "Guest")
        set_password(root, root_password)
        _add_membership(store, roles.SYSTEM_GROUP, root.id, 0, owner=True)
        _add_membership(store, roles.USER_GROUP, root.id, 1, owner=False)
        _add_membership(store, roles.GUEST_GROUP, guest.id, 0, owner=False)
        _add_first_event(store)


def _add_group(store: Store, id: int, name: str, permissions: str) -> None:
    values = {"name": name, "ldap": False, "permissions": permissions}
    store.insert("ExperimenterGroup", values, event=_FIRST_EVENT, id=id)


def _add_user(store: Store, id: int, name: str, last: str) -> Row:
    values = {"omeName": name, "firstName": name, "lastName": last, "ldap": False}
    return store.insert("Experimenter", values, event=_FIRST_EVENT, id=id)


def _add_membership(store: Store, group: int, user: int, index: int, *, owner: bool) -> None:
    values = {"parent": group, "child": user, "child_index": index, "owner": owner}
    store.insert("GroupExperimenterMap", values, event=_FIRST_EVENT)


def _add_first_event(store: Store) -> None:
    kind = store.enum("EventType", "Internal")
    values = {
        "time": 0,
        "experimenter": roles.ROOT,
        "experimenterGroup": roles.SYSTEM_GROUP,
        "type": kind.id if kind else None,
    }
    store.insert("Event", values, id=_FIRST_EVENT)
