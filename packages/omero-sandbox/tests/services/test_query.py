"""IQuery as a client sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import omero
import omero.clients
import pytest
from omero.rtypes import rint, rlist, rlong, robject, rstring, unwrap
from omero.sys import ParametersI

from omero_sandbox.db.store import Quantity, Store
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed


@pytest.fixture
def query(root: Any) -> Any:
    return root.sf.getQueryService()


@pytest.fixture
def image(sandbox: SandboxServer) -> int:
    """Image of root in group system, with pixels, two channels, a tag and a file annotation."""
    add = _adder(sandbox.store)
    image = add("Image", name="first")
    pixels = add(
        "Pixels", image=image, image_index=0, sizeX=5, physicalSizeX=Quantity(1.5, "MICROMETER"), sha1="x"
    )
    for index in range(2):
        logical = add("LogicalChannel", name=f"channel {index}")
        add("Channel", pixels=pixels, pixels_index=index, logicalChannel=logical, red=index)
    tag = add("TagAnnotation", textValue="tag")
    file = add("FileAnnotation", file=add("OriginalFile", name="f", path="p"))
    for annotation in (tag, file):
        add("ImageAnnotationLink", parent=image, child=annotation)
    return image


def _adder(store: Store) -> Callable[..., int]:
    return lambda type_name, **values: store.insert(type_name, values, owner=0, group=0, event=0).id


# -- what is loaded --------------------


def test_what_is_not_fetched_is_unloaded(query: Any, image: int) -> None:
    found = query.get("Image", image)
    assert found.sizeOfPixels() == -1
    assert not found.details.owner.isLoaded()
    assert found.details.owner.id.val == 0
    assert found.version.val == 0


def test_what_is_fetched_is_loaded(query: Any, image: int) -> None:
    text = "select i from Image i join fetch i.pixels p join fetch p.channels c join fetch i.details.owner"
    found = query.findByQuery(text, None)
    pixels = found.getPrimaryPixels()
    assert [channel.red.val for channel in pixels.copyChannels()] == [0, 1]
    assert not pixels.getChannel(0).logicalChannel.isLoaded()
    assert found.details.owner.omeName.val == "root"


def test_an_object_reached_twice_is_one(query: Any, image: int) -> None:
    found = query.findByQuery("select i from Image i join fetch i.pixels", None)
    assert found.getPrimaryPixels().image is found


def test_a_restricted_list_has_gaps(query: Any, image: int) -> None:
    found = query.findByQuery("select p from Pixels p join fetch p.channels c where c.red = 1", None)
    assert [channel and channel.red.val for channel in found.copyChannels()] == [None, 1]


@pytest.mark.parametrize("fetched", ["", " join fetch l.parent"])
def test_an_annotation_link_without_its_child_is_an_id_only(query: Any, image: int, fetched: str) -> None:
    links = query.findAllByQuery(f"select l from ImageAnnotationLink l{fetched}", None)
    assert [(link.id.val > 0, link.isLoaded()) for link in links] == [(True, False)] * 2
    assert not query.find("ImageAnnotationLink", links[0].id.val).isLoaded()


def test_an_annotation_link_with_its_child_is_loaded(query: Any, image: int) -> None:
    links = query.findAllByQuery("select l from ImageAnnotationLink l join fetch l.child order by l.id", None)
    assert [link.child.isLoaded() for link in links] == [True, True]
    assert not links[0].parent.isLoaded()
    assert not links[1].child.file.isLoaded()


def test_the_file_of_an_annotation_is_fetched_through_the_superclass(query: Any, image: int) -> None:
    text = (
        "select l from ImageAnnotationLink l join fetch l.child a left outer join fetch a.file order by l.id"
    )
    assert query.findAllByQuery(text, None)[1].child.file.name.val == "f"


def test_link_counts_are_fetched_by_owner(query: Any, image: int) -> None:
    found = query.findByQuery(
        "select i from Image i left outer join fetch i.annotationLinksCountPerOwner", None
    )
    assert found.getAnnotationLinksCountPerOwner() == {0: 2}


def test_a_null_in_an_outer_join_is_none(query: Any, image: int) -> None:
    assert query.findAllByQuery("select f from Image i left outer join i.fileset f", None) == [None]


# -- one or many --------------------


def test_several_objects_are_too_many_for_find_by(query: Any, image: int) -> None:
    with pytest.raises(omero.ApiUsageException, match="more than one"):
        query.findByQuery("select c from Channel c", None)


def test_the_same_object_twice_is_one_for_find_by(query: Any, image: int) -> None:
    assert query.findByQuery("select i from Image i join i.annotationLinks l", None).id.val == image


def test_nothing_is_none_or_empty(query: Any) -> None:
    assert query.findByQuery("select i from Image i", None) is None
    assert query.findAllByQuery("select i from Image i", None) == []
    assert query.projection("select i.id from Image i", None) == []


def test_values_are_no_objects(query: Any, image: int) -> None:
    with pytest.raises(omero.InternalException, match="ClassCastException"):
        query.findAllByQuery("select i.id from Image i", None)


def test_pages_are_taken(query: Any, image: int) -> None:
    page = ParametersI().page(1, 1)
    assert [
        channel.red.val for channel in query.findAllByQuery("select c from Channel c order by c.id", page)
    ] == [1]
    assert len(query.findAll("Channel", omero.sys.Filter(limit=rint(1)))) == 1


# -- by id and property --------------------


def test_get_refuses_a_missing_id_and_find_does_not(query: Any) -> None:
    with pytest.raises(omero.ValidationException, match="No row with the given identifier"):
        query.get("Image", 99)
    assert query.find("Image", 99) is None


@pytest.mark.parametrize("name", ["Image", "ImageI", "ome.model.core.Image", "omero.model.Image"])
def test_class_names_may_be_short_or_full(query: Any, image: int, name: str) -> None:
    assert query.get(name, image).name.val == "first"


def test_an_unknown_class_is_refused(query: Any) -> None:
    with pytest.raises(omero.ApiUsageException):
        query.get("Picture", 1)


def test_an_annotation_is_found_by_its_superclass_but_not_by_a_sibling(query: Any, image: int) -> None:
    tag = query.findByString("TagAnnotation", "textValue", "tag").id.val
    assert isinstance(query.get("Annotation", tag), omero.model.TagAnnotation)
    assert query.find("CommentAnnotation", tag) is None


def test_strings_are_found_whole_or_in_part(query: Any, image: int) -> None:
    assert query.findByString("Image", "name", "first").id.val == image
    assert query.findByString("Image", "name", "fir") is None
    assert len(query.findAllByString("Image", "name", "IRS", False, None)) == 1
    assert query.findAllByString("Image", "name", "IRS", True, None) == []
    with pytest.raises(omero.ApiUsageException):
        query.findByString("Image", "name = 'x' or o.name", "first")


def test_examples_match_by_what_they_hold(query: Any, image: int) -> None:
    example = omero.model.ChannelI()
    assert len(query.findAllByExample(example, None)) == 2
    example.red = rint(1)
    assert query.findByExample(example).red.val == 1


def test_refresh_gives_the_present_state(query: Any, sandbox: SandboxServer, image: int) -> None:
    before = query.get("Image", image)
    row = sandbox.store.get("Image", image)
    assert row is not None
    sandbox.store.update(row, {"name": "changed"})
    assert query.refresh(before).name.val == "changed"


# -- parameters --------------------


def test_parameters_of_every_kind(query: Any, image: int) -> None:
    params = ParametersI().addId(image).addString("name", "first").addIds([image, 99])
    params.add("object", robject(omero.model.ImageI(image, False)))
    params.add("names", rlist([rstring("first")]))
    text = (
        "select i.id from Image i where i.id = :id and i.name = :name and i.id in (:ids) and i = :object "
        "and i.name in (:names)"
    )
    assert unwrap(query.projection(text, params)) == [[image]]


@pytest.mark.parametrize("value", [None, rlong(None)])
def test_a_null_parameter_is_refused(query: Any, value: Any) -> None:
    params = ParametersI()
    params.map = {"id": value}
    with pytest.raises(omero.ApiUsageException, match="Null parameters not allowed: id"):
        query.projection("select i.id from Image i where i.id = :id", params)


def test_an_empty_list_is_refused(query: Any) -> None:
    with pytest.raises(omero.ApiUsageException):
        query.projection("select i.id from Image i where i.id in (:ids)", ParametersI().addIds([]))


def test_what_is_not_asked_for_is_ignored(query: Any) -> None:
    assert query.projection("select i.id from Image i", ParametersI().addId(1)) == []


# -- rows --------------------


def test_columns_keep_their_types(query: Any, image: int) -> None:
    text = (
        "select i.id, i.name, p.sizeX, p.physicalSizeX, p.physicalSizeX.value, count(*), e.time, i "
        "from Image i join i.pixels p join i.details.creationEvent e group by i.id, i.name, p.id, e.time"
    )
    (row,) = query.projection(text, None)
    types = [type(value).__name__ for value in row]
    assert types == ["RLongI", "RStringI", "RIntI", "RMapI", "RDoubleI", "RLongI", "RTimeI", "RObjectI"]
    assert unwrap(row[3]) == {"value": 1.5, "unit": "MICROMETER", "symbol": "µm"}
    assert row[7].val.name.val == "first"


def test_a_row_of_one_null_is_empty(query: Any, image: int) -> None:
    assert query.projection("select i.description from Image i", None) == [[]]
    assert unwrap(query.projection("select i.description, i.id from Image i", None)) == [[None, image]]


def test_the_class_of_an_object_is_a_class(query: Any, image: int) -> None:
    found = query.projection(
        "select type(a), count(a) from Annotation a group by a.class order by count(a)", None
    )
    assert {type(row[0]).__name__ for row in found} == {"RClassI"}
    assert sorted(unwrap(found)) == [
        ["ome.model.annotations.FileAnnotation", 1],
        ["ome.model.annotations.TagAnnotation", 1],
    ]


def test_a_map_gives_permissions_under_a_special_name(query: Any, image: int) -> None:
    text = "select new map(i.id as id, i as image_details_permissions) from Image i"
    ((found,),) = unwrap(query.projection(text, None))
    permissions = found["image_details_permissions"]
    assert found["id"] == image
    assert permissions["perm"] == "rw----"
    assert permissions["canEdit"] is True


def test_the_permissions_of_a_group(query: Any, image: int) -> None:
    text = "select i.details.owner.id, i.details.group.details.permissions from Image i"
    ((owner, permissions),) = unwrap(query.projection(text, None))
    assert (owner, permissions["perm"]) == (0, "rw----")


def test_bytes_are_no_column(query: Any, sandbox: SandboxServer) -> None:
    _adder(sandbox.store)("Mask", bytes=b"x")
    with pytest.raises(omero.ApiUsageException, match="Unsupported conversion"):
        query.projection("select m.bytes from Mask m", None)


# -- visibility --------------------


@pytest.fixture
def groups(root: Any) -> dict[str, int]:
    """Private, read-only and foreign group; Ann and Bob are in the first two."""
    made = {name: seed.group(root, name, permissions) for name, permissions in GROUPS.items()}
    shared = [made["private"], made["read-only"]]
    seed.user(root, "ann", "secret", shared)
    seed.user(root, "bob", "secret", shared)
    seed.user(root, "eve", "secret", [made["foreign"]])
    return made


GROUPS = {"private": "rw----", "read-only": "rwr---", "foreign": "rwra--"}


@pytest.fixture
def projects(connect: Callable[..., Any], groups: dict[str, int]) -> dict[str, int]:
    """One project of Ann in each of her groups, and one of Eve."""
    made = {}
    for name, user in (("private", "ann"), ("read-only", "ann"), ("foreign", "eve")):
        project = omero.model.ProjectI()
        project.name = rstring(name)
        context = {"omero.group": str(groups[name])}
        client = connect(user, "secret")
        made[name] = client.sf.getUpdateService().saveAndReturnObject(project, context).id.val
    return made


def _visible(client: Any, group: int) -> list[str]:
    rows = client.sf.getQueryService().projection(
        "select p.name from Project p", None, {"omero.group": str(group)}
    )
    return sorted(name for (name,) in unwrap(rows))


def test_a_query_sees_the_group_of_the_call(
    connect: Callable[..., Any], groups: dict[str, int], projects: dict[str, int]
) -> None:
    ann, bob = connect("ann", "secret"), connect("bob", "secret")
    assert _visible(ann, groups["private"]) == ["private"]
    assert _visible(bob, groups["private"]) == []
    assert _visible(bob, groups["read-only"]) == ["read-only"]


def test_a_negative_group_is_all_that_may_be_read(
    connect: Callable[..., Any], root: Any, groups: dict[str, int], projects: dict[str, int]
) -> None:
    assert _visible(connect("ann", "secret"), -1) == ["private", "read-only"]
    assert _visible(connect("bob", "secret"), -1) == ["read-only"]
    assert _visible(root, -1) == ["foreign", "private", "read-only"]


def test_get_and_find_refuse_what_a_query_hides(
    connect: Callable[..., Any], groups: dict[str, int], projects: dict[str, int]
) -> None:
    query = connect("bob", "secret").sf.getQueryService()
    for group, project in ((groups["private"], "private"), (groups["private"], "read-only"), (-1, "foreign")):
        for method in (query.get, query.find):
            with pytest.raises(omero.SecurityViolation, match="Cannot read"):
                method("Project", projects[project], {"omero.group": str(group)})


def test_names_of_users_are_hidden_from_those_who_share_no_group_with_them(
    connect: Callable[..., Any], root: Any, groups: dict[str, int]
) -> None:
    def names(client: Any) -> set[str]:
        users = client.sf.getQueryService().findAllByQuery("select e from Experimenter e", None)
        return {user.omeName.val for user in users}

    assert names(connect("eve", "secret")) == {"<hidden>", "eve", "guest", "root"}
    assert names(connect("bob", "secret")) >= {"ann", "bob", "root"}
    assert names(root) >= {"ann", "bob", "eve", "root"}
    found = connect("eve", "secret").sf.getQueryService().findByString("Experimenter", "omeName", "ann")
    assert (found.omeName.val, found.firstName.val, found.email) == ("<hidden>", "<hidden>", None)


def test_enumerations_are_visible_everywhere(connect: Callable[..., Any], groups: dict[str, int]) -> None:
    query = connect("eve", "secret").sf.getQueryService()
    assert query.findByString("PixelsType", "value", "uint8") is not None


def test_restrictions_are_those_of_the_caller(
    connect: Callable[..., Any], groups: dict[str, int], projects: dict[str, int]
) -> None:
    context = {"omero.group": str(groups["read-only"])}
    seen = {
        name: connect(name, "secret").sf.getQueryService().get("Project", projects["read-only"], context)
        for name in ("ann", "bob")
    }
    assert seen["ann"].details.permissions.canEdit()
    assert not seen["bob"].details.permissions.canEdit()


def test_a_query_has_no_more_values_than_the_database_can_count(query: Any) -> None:
    text = "select i.id from Image i where i.id in (:ids)"
    assert query.projection(text, omero.sys.ParametersI().addIds(range(32_767))) == []
    with pytest.raises(omero.InternalException, match="This connection has been closed"):
        query.projection(text, omero.sys.ParametersI().addIds(range(32_768)))
    assert query.projection("select i.id from Image i", None) == []
