"""IUpdate refuses and keeps what a real server does (UpdateImpl, OmeroInterceptor), through real Ice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import omero
import pytest
from omero.rtypes import rbool, rdouble, rint, rlong, rstring

from omero_sandbox.server import SandboxServer

ALL_GROUPS = {"omero.group": "-1"}


def enum(name: str, value: str) -> Any:
    made = getattr(omero.model, f"{name}I")()
    made.value = rstring(value)
    return made


def pixels() -> Any:
    made = omero.model.PixelsI()
    for size in ("sizeX", "sizeY", "sizeZ", "sizeC", "sizeT"):
        setattr(made, size, rint(1))
    made.sha1 = rstring("Pending...")
    made.pixelsType = enum("PixelsType", "uint8")
    made.dimensionOrder = enum("DimensionOrder", "XYZCT")
    return made


def named(name: str, text: str = "x") -> Any:
    made = getattr(omero.model, f"{name}I")()
    made.name = rstring(text)
    return made


def image_with_pixels() -> Any:
    image, made = named("Image"), pixels()
    for _ in range(2):
        channel = omero.model.ChannelI()
        channel.logicalChannel = omero.model.LogicalChannelI()
        made.addChannel(channel)
    image.addPixels(made)
    return image


def update_of(client: Any) -> Any:
    return client.getSession().getUpdateService()


def save(client: Any, obj: Any, ctx: dict[str, str] | None = None) -> Any:
    return update_of(client).saveAndReturnObject(obj, ctx)


def link(name: str, parent: Any, child: Any) -> Any:
    made = getattr(omero.model, f"{name}I")()
    made.parent = parent.proxy() if parent.id else parent
    made.child = child.proxy() if child.id else child
    return made


def tag(text: str = "t") -> Any:
    made = omero.model.TagAnnotationI()
    made.textValue = rstring(text)
    return made


def loaded(client: Any, obj: Any, hql: str) -> Any:
    parameters = omero.sys.ParametersI().addId(obj.id.val)
    return client.getSession().getQueryService().findByQuery(hql, parameters)


# -- inserts


def test_a_whole_graph_is_saved_at_once(sandbox: SandboxServer, alice: Any) -> None:
    image = image_with_pixels()
    image.linkAnnotation(tag())
    dataset = named("Dataset")
    dataset.linkImage(image)
    saved = save(alice, dataset)
    channels = saved.linkedImageList()[0].getPrimaryPixels().copyChannels()
    counts = {name: len(list(sandbox.store.rows(name))) for name in ("Dataset", "Image", "Pixels", "Channel")}
    assert counts == {"Dataset": 1, "Image": 1, "Pixels": 1, "Channel": 2}
    stored = {row.id: row.values["pixels_index"] for row in sandbox.store.rows("Channel")}
    assert [stored[channel.id.val] for channel in channels] == [0, 1]


def test_ids_of_what_is_saved_together_follow_no_order(alice: Any) -> None:
    saved = update_of(alice).saveAndReturnArray([named("Project") for _ in range(4)])
    ids = [project.id.val for project in saved]
    assert sorted(ids) == list(range(min(ids), min(ids) + 4))
    assert ids != sorted(ids)


def test_answers_carry_details(alice: Any) -> None:
    context = alice.getSession().getAdminService().getEventContext()
    details = save(alice, named("Project")).details
    assert (details.owner.id.val, details.group.id.val) == (context.userId, context.groupId)
    assert details.creationEvent.id.val == details.updateEvent.id.val
    assert str(details.permissions) == "rw----"
    assert (details.permissions.canEdit(), details.permissions.canChown()) == (True, False)


def test_enumerations_are_found_by_value(sandbox: SandboxServer, alice: Any) -> None:
    saved = save(alice, image_with_pixels()).getPrimaryPixels()
    row = sandbox.store.enum("PixelsType", "uint8")
    assert row is not None
    assert saved.pixelsType.id.val == row.id


def test_a_new_enumeration_value_is_refused(alice: Any) -> None:
    image = named("Image")
    image.format = enum("Format", "Unheard-of")
    with pytest.raises(omero.SecurityViolation, match="System-type"):
        save(alice, image)


def test_units_and_maps_arrive_exactly(sandbox: SandboxServer, alice: Any) -> None:
    image = image_with_pixels()
    image.getPrimaryPixels().physicalSizeX = omero.model.LengthI(0.1, "NANOMETER")
    annotation = omero.model.MapAnnotationI()
    pairs = [("b", "1"), ("a", "2"), ("b", "1")]
    annotation.mapValue = [omero.model.NamedValue(*pair) for pair in pairs]
    image.linkAnnotation(annotation)
    save(alice, image)
    assert next(sandbox.store.rows("Pixels")).values["physicalSizeX"] == (0.1, "NANOMETER")
    assert next(sandbox.store.rows("MapAnnotation")).values["mapValue"] == pairs


@pytest.mark.parametrize("field", ["name"])
def test_a_required_value_must_not_be_null(sandbox: SandboxServer, alice: Any, field: str) -> None:
    with pytest.raises(omero.ValidationException, match=rf"not-null property.*Image\.{field}"):
        save(alice, omero.model.ImageI())
    assert list(sandbox.store.rows("Image")) == []


@pytest.mark.parametrize(
    ("child", "parent"), [("Pixels", "image"), ("Rectangle", "roi"), ("WellSample", "well")]
)
def test_an_ordered_child_is_saved_through_its_parent_only(alice: Any, child: str, parent: str) -> None:
    holders = {"image": named("Image"), "roi": omero.model.RoiI(), "well": omero.model.WellI()}
    holder = holders[parent]
    if parent == "well":
        holder.plate = named("Plate")
    holder = save(alice, holder)
    made = pixels() if child == "Pixels" else getattr(omero.model, f"{child}I")()
    if child == "WellSample":
        made.image = named("Image")
    setattr(made, parent, holder.proxy())
    with pytest.raises(omero.InternalException, match=r"inside getter of ome\.model\.\w+\.\w+\.\w+;"):
        save(alice, made)


def test_an_unordered_child_is_saved_by_itself(alice: Any) -> None:
    saved = save(alice, image_with_pixels())
    plane = omero.model.PlaneInfoI()
    plane.pixels = saved.getPrimaryPixels().proxy()
    for axis in ("theZ", "theC", "theT"):
        setattr(plane, axis, rint(0))
    assert save(alice, plane).id.val > 0


def test_text_the_database_cannot_hold_is_refused(alice: Any) -> None:
    microscope = omero.model.MicroscopeI()
    microscope.lotNumber = rstring("x" * 256)
    for made in (named("Image", "nul\0"), microscope):
        with pytest.raises(omero.ValidationException):
            save(alice, made)


def test_names_and_long_text_have_no_limit(alice: Any) -> None:
    assert save(alice, named("Image", "x" * 100_000)).name.val == "x" * 100_000
    project = named("Project", "x" * 300)
    project.description = rstring("y" * 100_000)
    assert save(alice, project).description.val == "y" * 100_000


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sizeX", rint(0)),
        ("significantBits", rint(0)),
        ("physicalSizeX", omero.model.LengthI(0, "MICROMETER")),
        ("physicalSizeY", omero.model.LengthI(-1.0, "MICROMETER")),
    ],
)
def test_values_out_of_range_are_refused(alice: Any, field: str, value: Any) -> None:
    image = image_with_pixels()
    setattr(image.getPrimaryPixels(), field, value)
    with pytest.raises(omero.InternalException, match=rf"values of Pixels.{field} must be strictly positive"):
        save(alice, image)


def test_a_batch_is_saved_whole_or_not_at_all(sandbox: SandboxServer, alice: Any) -> None:
    with pytest.raises(omero.ValidationException):
        update_of(alice).saveAndReturnArray([named("Project"), omero.model.ProjectI()])
    assert list(sandbox.store.rows("Project")) == []


def test_save_and_return_ids_only_inserts(alice: Any) -> None:
    update = update_of(alice)
    ids = update.saveAndReturnIds([named("Project", "a"), named("Dataset"), named("Project", "b")])
    query = alice.getSession().getQueryService()
    found = [query.get(kind, ids[at]).name.val for kind, at in (("Project", 0), ("Project", 2))]
    assert found == ["a", "b"]
    with pytest.raises(omero.ApiUsageException, match="Ids already exist"):
        update.saveAndReturnIds([omero.model.ProjectI(1, False)])


def test_a_reference_must_exist(alice: Any) -> None:
    roi = omero.model.RoiI()
    roi.image = omero.model.ImageI(99, False)
    with pytest.raises(
        omero.ValidationException,
        match=r"No row with the given identifier exists: \[ome\.model\.core\.Image#99\]",
    ):
        save(alice, roi)


def test_shared_instances_are_one_row(sandbox: SandboxServer, alice: Any) -> None:
    shared = tag()
    images = [named("Image"), named("Image")]
    for image in images:
        image.linkAnnotation(shared)
    update_of(alice).saveAndReturnArray(images)
    assert len(list(sandbox.store.rows("TagAnnotation"))) == 1
    assert len(list(sandbox.store.rows("ImageAnnotationLink"))) == 2


def test_a_namespace_is_registered(sandbox: SandboxServer, alice: Any) -> None:
    annotation = tag()
    annotation.ns = rstring("example.org/ns")
    save(alice, annotation)
    assert sandbox.store.lookup("Namespace", "name", "example.org/ns") is not None


def test_a_folder_cannot_be_its_own_ancestor(alice: Any) -> None:
    top = save(alice, named("Folder"))
    below = named("Folder")
    below.parentFolder = top.proxy()
    below = save(alice, below)
    top.parentFolder = below.proxy()
    with pytest.raises(omero.InternalException, match="would cause a cycle in the hierarchy"):
        save(alice, top)


# -- updates


def test_an_update_replaces_all_fields(sandbox: SandboxServer, alice: Any) -> None:
    project = named("Project")
    project.description = rstring("d")
    project = save(alice, project)
    first = project.details.updateEvent.id.val
    project.description = None
    project = save(alice, project)
    assert next(sandbox.store.rows("Project")).values == {"name": "x"}
    assert project.details.updateEvent.id.val > first == project.details.creationEvent.id.val


def test_saving_without_a_change_is_no_update(alice: Any) -> None:
    project = save(alice, named("Project"))
    again = save(alice, project)
    assert again.details.updateEvent.id.val == project.details.updateEvent.id.val


def test_a_stale_object_is_refused(alice: Any) -> None:
    project = save(alice, named("Project"))
    fresh = loaded(alice, project, "select p from Project p where p.id = :id")
    fresh.name = rstring("new")
    save(alice, fresh)
    project.name = rstring("late")
    with pytest.raises(omero.OptimisticLockException, match="reload"):
        save(alice, project)


def test_without_details_there_is_no_lock(sandbox: SandboxServer, alice: Any) -> None:
    project = save(alice, named("Project"))
    project.name = rstring("new")
    save(alice, project)
    project.name = rstring("newer")
    project.unloadDetails()
    saved = save(alice, project)
    assert next(sandbox.store.rows("Project")).values["name"] == "newer"
    assert saved.details.owner is not None


def test_a_deleted_object_cannot_be_saved(sandbox: SandboxServer, alice: Any) -> None:
    project = save(alice, named("Project"))
    sandbox.store.delete(next(sandbox.store.rows("Project")))
    project.name = rstring("new")
    with pytest.raises(omero.ValidationException, match="could not be found"):
        save(alice, project)


def test_an_unloaded_collection_is_left_alone(sandbox: SandboxServer, alice: Any) -> None:
    dataset = named("Dataset")
    dataset.linkImage(named("Image"))
    dataset = save(alice, dataset)
    dataset.unloadImageLinks()
    dataset.name = rstring("new")
    save(alice, dataset)
    assert len(list(sandbox.store.rows("DatasetImageLink"))) == 1


def test_a_loaded_empty_collection_removes_the_links(sandbox: SandboxServer, alice: Any) -> None:
    dataset = named("Dataset")
    dataset.linkImage(named("Image"))
    dataset = save(alice, dataset)
    dataset.clearImageLinks()
    save(alice, dataset)
    assert list(sandbox.store.rows("DatasetImageLink")) == []
    assert len(list(sandbox.store.rows("Image"))) == 1


def test_a_shape_taken_out_of_a_loaded_roi_is_deleted_and_the_rest_moves_up(
    sandbox: SandboxServer, alice: Any
) -> None:
    roi = omero.model.RoiI()
    for x in range(3):
        shape = omero.model.PointI()
        shape.x = rdouble(x)
        roi.addShape(shape)
    roi = save(alice, roi)
    roi.removeShape(roi.getShape(0))
    save(alice, roi)
    rows = sandbox.store.rows("Point")
    assert {(row.values["x"], row.values["roi_index"]) for row in rows} == {(1.0, 0), (2.0, 1)}


def test_another_creation_event_is_ignored(alice: Any) -> None:
    project = save(alice, named("Project"))
    made = project.details.creationEvent.id.val
    project.details.creationEvent = omero.model.EventI(0, False)
    assert save(alice, project).details.creationEvent.id.val == made


def test_the_owner_cannot_be_changed(alice: Any) -> None:
    project = save(alice, named("Project"))
    project.details.owner = omero.model.ExperimenterI(0, False)
    with pytest.raises(omero.SecurityViolation, match="Experimenter"):
        save(alice, project)


# -- links


def test_a_link_can_be_made_once_and_a_failure_undoes_the_batch(sandbox: SandboxServer, alice: Any) -> None:
    dataset, image, other = (save(alice, named(name)) for name in ("Dataset", "Image", "Image"))
    save(alice, link("DatasetImageLink", dataset, image))
    batch = [link("DatasetImageLink", dataset, other), link("DatasetImageLink", dataset, image)]
    with pytest.raises(
        omero.ValidationException,
        match=r"could not insert: \[ome\.model\.containers\.DatasetImageLink\].*"
        r"constraint \[datasetimagelink_parent_child_owner_id_key\]",
    ):
        update_of(alice).saveArray(batch)
    assert len(list(sandbox.store.rows("DatasetImageLink"))) == 1


def test_two_owners_may_make_the_same_link(people: Any, sandbox: SandboxServer) -> None:
    lab = people.group("lab", "rwrw--")
    people.user("alice", lab)
    people.user("bob", lab)
    alice, bob = people.login("alice"), people.login("bob")
    dataset, image = save(alice, named("Dataset")), save(alice, named("Image"))
    save(alice, link("DatasetImageLink", dataset, image))
    save(bob, link("DatasetImageLink", dataset, image))
    assert len(list(sandbox.store.rows("DatasetImageLink"))) == 2


def test_two_wells_cannot_share_a_position(alice: Any) -> None:
    plate = save(alice, named("Plate"))
    wells = []
    for _ in range(2):
        well = omero.model.WellI()
        well.plate, well.row, well.column = plate.proxy(), rint(0), rint(0)
        wells.append(well)
    with pytest.raises(omero.ValidationException, match=r"constraint \[well_col_row\]"):
        update_of(alice).saveArray(wells)


# -- groups and rights


def test_nothing_new_is_saved_under_all_groups(alice: Any) -> None:
    context = alice.getContext(group=-1)
    with pytest.raises(omero.ApiUsageException, match="DUMMY permissions"):
        save(alice, named("Project"), context)


def test_nothing_is_linked_under_all_groups(alice: Any) -> None:
    project, dataset = save(alice, named("Project")), save(alice, named("Dataset"))
    with pytest.raises(omero.SecurityViolation, match=r"Group is ------\. Cannot link to object"):
        save(alice, link("ProjectDatasetLink", project, dataset), alice.getContext(group=-1))


def test_nothing_is_changed_under_all_groups(sandbox: SandboxServer, alice: Any) -> None:
    project = save(alice, named("Project"))
    assert save(alice, project, alice.getContext(group=-1)).name.val == "x"
    project.name = rstring("new")
    with pytest.raises(omero.ApiUsageException, match="DUMMY permissions"):
        save(alice, project, alice.getContext(group=-1))


def test_an_object_is_changed_in_its_own_group_only(people: Any) -> None:
    people.user("alice", people.group("lab"), people.group("second"))
    alice = people.login("alice")
    project = save(alice, named("Project"))
    project.name = rstring("new")
    second = alice.getSession().getAdminService().lookupGroup("second").id.val
    with pytest.raises(omero.SecurityViolation, match=r"Cannot read ome\.model\.containers\.Project:Id_"):
        save(alice, project, alice.getContext(group=second))


def test_objects_of_two_groups_are_not_linked(people: Any) -> None:
    people.user("alice", people.group("lab"), people.group("second"))
    alice = people.login("alice")
    second = alice.getContext(group=alice.getSession().getAdminService().lookupGroup("second").id.val)
    dataset, image = save(alice, named("Dataset")), save(alice, named("Image"), second)
    with pytest.raises(omero.SecurityViolation, match=r"Cannot read ome\.model\.core\.Image:Id_"):
        save(alice, link("DatasetImageLink", dataset, image))


def test_a_foreign_group_is_refused(people: Any, alice: Any) -> None:
    other = people.group("other", "rwra--")
    with pytest.raises(omero.SecurityViolation, match="not a member of group"):
        save(alice, named("Project"), alice.getContext(group=other))


def test_permissions_are_not_to_be_set(alice: Any) -> None:
    project = named("Project")
    project.details.permissions = omero.model.PermissionsI("rwrw--")
    with pytest.raises(omero.GroupSecurityViolation, match="Manually setting permissions"):
        save(alice, project)


@pytest.mark.parametrize(
    ("permissions", "annotating", "linking"),
    [
        ("rw----", omero.SecurityViolation, omero.SecurityViolation),
        ("rwr---", omero.SecurityViolation, omero.SecurityViolation),
        ("rwra--", None, omero.SecurityViolation),
        ("rwrw--", None, None),
    ],
)
def test_group_permissions_say_what_members_may_do_with_others_data(
    people: Any, permissions: str, annotating: type[Exception] | None, linking: type[Exception] | None
) -> None:
    lab = people.group("lab", permissions)
    people.user("alice", lab)
    people.user("bob", lab)
    alice, bob = people.login("alice"), people.login("bob")
    image, mine, dataset = save(alice, named("Image")), save(bob, tag()), save(bob, named("Dataset"))
    for made, expected in (
        (link("ImageAnnotationLink", image, mine), annotating),
        (link("DatasetImageLink", dataset, image), linking),
    ):
        if expected is None:
            assert save(bob, made).id.val > 0
        else:
            with pytest.raises(expected) as caught:
                save(bob, made)
            assert type(caught.value) is expected


@pytest.mark.parametrize(("permissions", "allowed"), [("rwra--", False), ("rwrw--", True)])
def test_members_edit_others_data_in_read_write_groups_only(
    people: Any, permissions: str, allowed: bool
) -> None:
    lab = people.group("lab", permissions)
    people.user("alice", lab)
    people.user("bob", lab)
    project = save(people.login("alice"), named("Project"))
    bob = people.login("bob")
    project = loaded(bob, project, "select p from Project p where p.id = :id")
    assert project.details.permissions.canEdit() is allowed
    project.name = rstring("new")
    if allowed:
        assert save(bob, project).name.val == "new"
    else:
        with pytest.raises(omero.SecurityViolation, match="not allowed"):
            save(bob, project)


def test_an_administrator_cannot_link_to_private_data_but_as_its_owner(
    people: Any, root: Any, sandbox: SandboxServer
) -> None:
    lab = people.group("lab", "rw----")
    alice_id = people.user("alice", lab)
    image = save(people.login("alice"), named("Image"))
    context = root.getContext(group=lab)
    annotation = save(root, tag(), context)
    with pytest.raises(omero.ReadOnlyGroupSecurityViolation):
        save(root, link("ImageAnnotationLink", image, annotation), context)
    as_alice = context | {"omero.user": str(alice_id)}
    made = link("ImageAnnotationLink", image, save(root, tag(), as_alice))
    assert save(root, made, as_alice).details.owner.id.val == alice_id


def test_an_administrator_has_no_settings_for_private_data_of_others(
    people: Any, root: Any, sandbox: SandboxServer
) -> None:
    lab = people.group("lab", "rw----")
    alice_id = people.user("alice", lab)
    image = save(people.login("alice"), image_with_pixels())
    reference = omero.model.PixelsI(image.getPrimaryPixels().id.val, False)
    context = root.getContext(group=lab)

    def settings() -> Any:
        made = omero.model.RenderingDefI()
        made.setPixels(reference)
        made.setDefaultZ(rint(0))
        made.setDefaultT(rint(0))
        made.setModel(enum("RenderingModel", "rgb"))
        made.setQuantization(omero.model.QuantumDefI())
        made.quantization.cdStart, made.quantization.cdEnd = rint(0), rint(255)
        made.quantization.bitResolution = rint(255)
        return made

    with pytest.raises(omero.ReadOnlyGroupSecurityViolation):
        save(root, settings(), context)
    as_alice = context | {"omero.user": str(alice_id)}
    assert save(root, settings(), as_alice).details.owner.id.val == alice_id


def test_an_administrator_creates_for_others(people: Any, root: Any) -> None:
    lab = people.group("lab")
    alice_id = people.user("alice", lab)
    project = named("Project")
    project.details.owner = omero.model.ExperimenterI(alice_id, False)
    saved = save(root, project, root.getContext(group=lab))
    assert saved.details.owner.id.val == alice_id


def test_a_user_creates_for_nobody_else(people: Any, alice: Any) -> None:
    bob = people.user("bob", people.admin.lookupGroup("lab").id.val)
    project = named("Project")
    project.details.owner = omero.model.ExperimenterI(bob, False)
    with pytest.raises(omero.SecurityViolation, match="set the Experimenter"):
        save(alice, project)


def test_an_administrator_without_write_owned_is_no_member_everywhere(people: Any, root: Any) -> None:
    lab = people.group("lab")
    light = people.user("light", 0)
    people.admin.setAdminPrivileges(omero.model.ExperimenterI(light, False), [enum("AdminPrivilege", "Sudo")])
    client = people.login("light")
    with pytest.raises(omero.SecurityViolation, match="not authorized to create"):
        save(client, named("Project"), client.getContext(group=lab))


@pytest.mark.parametrize("name", ["ExperimenterGroup", "Experimenter", "Namespace"])
def test_users_create_no_system_types(alice: Any, name: str) -> None:
    made = getattr(omero.model, f"{name}I")()
    with pytest.raises(omero.ValidationException, match=rf"not-null property .*\.{name}\."):
        save(alice, made)
    for field in ("name", "omeName", "firstName", "lastName"):
        if hasattr(made, f"_{field}"):
            setattr(made, field, rstring("x"))
    if hasattr(made, "_ldap"):
        made.ldap = rbool(False)
    with pytest.raises(omero.SecurityViolation, match="System-type"):
        save(alice, made)


def test_a_file_cannot_be_put_into_a_repository(alice: Any) -> None:
    file = named("OriginalFile")
    file.path = rstring("/")
    file.repo = rstring("some-uuid")
    with pytest.raises(omero.SecurityViolation, match="repo property"):
        save(alice, file)


# -- external info


def test_every_object_has_its_own_external_info(sandbox: SandboxServer, alice: Any) -> None:
    project = named("Project")
    info = omero.model.ExternalInfoI()
    info.entityId, info.entityType, info.lsid = rlong(7), rstring("Project"), rstring("urn:lsid:x:Project:7")
    project.details.externalInfo = info
    saved = save(alice, project)
    again = loaded(alice, saved, "select p from Project p join fetch p.details.externalInfo where p.id = :id")
    assert again.details.externalInfo.lsid.val == "urn:lsid:x:Project:7"
    other = named("Project")
    other.details.externalInfo = omero.model.ExternalInfoI(again.details.externalInfo.id.val, False)
    with pytest.raises(omero.ValidationException, match=r"constraint \[project_external_id_key\]"):
        save(alice, other)


# -- deleting


def test_delete_object_refuses_what_is_referred_to(alice: Any) -> None:
    dataset, image = save(alice, named("Dataset")), save(alice, named("Image"))
    save(alice, link("DatasetImageLink", dataset, image))
    roi = omero.model.RoiI()
    roi.image = image.proxy()
    save(alice, roi)
    with pytest.raises(
        omero.ValidationException,
        match=r"could not delete: \[ome.model.core.Image#.*constraint \[fkroi_image_image\]",
    ):
        update_of(alice).deleteObject(image.proxy())
    update_of(alice).deleteObject(dataset.proxy())


def test_nobody_deletes_others_data(people: Any) -> None:
    lab = people.group("lab", "rwra--")
    people.user("alice", lab)
    people.user("bob", lab)
    project = save(people.login("alice"), named("Project"))
    with pytest.raises(omero.SecurityViolation, match="Deleting"):
        update_of(people.login("bob")).deleteObject(project.proxy())


def test_null_is_not_saved(alice: Any, connect: Callable[..., Any]) -> None:
    with pytest.raises(omero.ApiUsageException, match="null"):
        save(alice, None)


def test_of_two_saves_with_the_same_new_namespace_one_fails(connect: Callable[..., Any]) -> None:
    together = Barrier(2)

    def annotate(client: Any) -> None:
        made = omero.model.MapAnnotationI()
        made.ns = rstring("new")
        together.wait()
        save(client, made)

    with ThreadPoolExecutor(2) as pool:
        saved = [pool.submit(annotate, connect()) for _ in range(2)]
    (error,) = [each.exception() for each in saved if each.exception()]
    assert isinstance(error, omero.ValidationException)
    assert error.message.startswith("could not insert: [ome.model.annotations.MapAnnotation]; SQL [")
    assert "constraint [namespace_name]" in error.message
    annotate_again = omero.model.MapAnnotationI()
    annotate_again.ns = rstring("new")
    save(connect(), annotate_again)
