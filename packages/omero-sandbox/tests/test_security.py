"""Who sees and may do what, by the permissions of the group, through real Ice."""

from __future__ import annotations

from typing import Any

import omero
import pytest
from omero.rtypes import rstring

ALL = {"omero.group": "-1"}


def save(client: Any, name: str) -> Any:
    made = getattr(omero.model, f"{name}I")()
    made.name = rstring("x")
    return client.getSession().getUpdateService().saveAndReturnObject(made)


def seen(client: Any, ctx: dict[str, str] | None = None) -> int:
    query = client.getSession().getQueryService()
    return len(query.findAllByQuery("select p from Project p", None, ctx))


def rights(client: Any, ctx: dict[str, str] | None = None) -> dict[str, bool]:
    query = client.getSession().getQueryService()
    held = query.findByQuery("select p from Project p", None, ctx).details.permissions
    names = ("Link", "Edit", "Delete", "Annotate", "Chgrp", "Chown")
    return {name: getattr(held, f"can{name}")() for name in names}


@pytest.mark.parametrize(
    ("permissions", "expected"), [("rw----", 0), ("rwr---", 1), ("rwra--", 1), ("rwrw--", 1)]
)
def test_members_see_others_data_unless_the_group_is_private(
    people: Any, permissions: str, expected: int
) -> None:
    lab = people.group("lab", permissions)
    for name in ("alice", "bob"):
        people.user(name, lab)
    save(people.login("alice"), "Project")
    assert seen(people.login("alice")) == 1
    assert seen(people.login("bob")) == expected


def test_owners_of_a_private_group_see_all_of_it(people: Any) -> None:
    lab = people.group("lab")
    people.user("alice", lab)
    people.user("pi", lab, leads=lab)
    save(people.login("alice"), "Project")
    assert seen(people.login("pi")) == 1


def test_an_administrator_sees_a_group_in_its_context_or_in_all(people: Any, root: Any) -> None:
    lab = people.group("lab")
    people.user("alice", lab)
    save(people.login("alice"), "Project")
    assert (seen(root), seen(root, {"omero.group": str(lab)}), seen(root, ALL)) == (0, 1, 1)


def test_all_groups_are_the_user_s_own(people: Any) -> None:
    lab, second, other = (people.group(name, "rwr---") for name in ("lab", "second", "other"))
    people.user("alice", lab, second)
    people.user("bob", second)
    people.user("eve", other)
    for name in ("alice", "bob", "eve"):
        save(people.login(name), "Project")
    alice = people.login("alice")
    assert (seen(alice), seen(alice, ALL)) == (1, 2)


def test_everybody_reads_a_public_group(people: Any) -> None:
    public, lab = people.group("public", "rwr-r-"), people.group("lab")
    people.user("bob", public)
    people.user("alice", lab)
    save(people.login("bob"), "Project")
    assert seen(people.login("alice"), {"omero.group": str(public)}) == 1
    assert seen(people.login("alice"), ALL) == 1


def test_an_unreadable_object_is_not_to_be_got(people: Any) -> None:
    lab = people.group("lab")
    for name in ("alice", "bob"):
        people.user(name, lab)
    project = save(people.login("alice"), "Project")
    with pytest.raises(omero.SecurityViolation, match=r"Cannot read ome\.model\.containers\.Project:Id_1"):
        people.login("bob").getSession().getQueryService().get("Project", project.id.val)


NOTHING = dict.fromkeys(("Link", "Edit", "Delete", "Annotate", "Chgrp", "Chown"), False)
OWN = dict.fromkeys(NOTHING, True) | {"Chown": False}


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ("rwr---", NOTHING),
        ("rwra--", NOTHING | {"Annotate": True}),
        ("rwrw--", OWN | {"Chgrp": False}),
    ],
)
def test_objects_show_what_the_caller_may_do(
    people: Any, permissions: str, expected: dict[str, bool]
) -> None:
    lab = people.group("lab", permissions)
    for name in ("alice", "bob"):
        people.user(name, lab)
    save(people.login("alice"), "Project")
    assert rights(people.login("alice")) == OWN
    assert rights(people.login("bob")) == expected


def test_private_data_is_edited_but_not_linked_by_administrators(people: Any, root: Any) -> None:
    people.user("alice", people.group("lab"))
    save(people.login("alice"), "Project")
    assert rights(root, ALL) == {
        "Link": False,
        "Edit": True,
        "Delete": True,
        "Annotate": False,
        "Chgrp": True,
        "Chown": True,
    }


def test_owners_of_a_group_may_give_its_data_away(people: Any) -> None:
    lab = people.group("lab", "rwr---")
    people.user("alice", lab)
    people.user("pi", lab, leads=lab)
    save(people.login("alice"), "Project")
    assert rights(people.login("pi")) == OWN | {"Chown": True, "Chgrp": False}
