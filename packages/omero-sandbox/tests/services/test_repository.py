"""Imports and files behave as in ManagedRepositoryI, ManagedImportProcessI and ManagedImportRequestI."""

from __future__ import annotations

import hashlib
import re
import zlib
from pathlib import Path
from typing import Any

import Ice
import numpy as np
import omero
import pytest
import tifffile
from omero.rtypes import rbool, rstring

FAKE = "a&sizeX=16&sizeY=8&sizeC=2&pixelType=uint16.fake"
PLATE = "p&sizeX=4&sizeY=4&plates=1&plateRows=2&plateCols=2&fields=2&plateAcqs=1.fake"
EMPTY = hashlib.sha1(b"").hexdigest()


def query(client: Any, text: str, **values: Any) -> list[list[Any]]:
    params = omero.sys.ParametersI()
    for name, value in values.items():
        params.add(name, value)
    found = client.getSession().getQueryService().projection(text, params)
    return [[cell.val if cell is not None else None for cell in row] for row in found]


def used_files(client: Any, fileset: int) -> list[tuple[str, str, str]]:
    """Client path, path and name of a fileset's files in order."""
    found = (
        client.getSession()
        .getQueryService()
        .findByQuery(
            "select s from Fileset s join fetch s.usedFiles u join fetch u.originalFile where s.id = :id",
            omero.sys.ParametersI().addId(fileset),
        )
    )
    entries = [
        (e.clientPath.val, e.originalFile.path.val, e.originalFile.name.val) for e in found.copyUsedFiles()
    ]
    prefix = found.templatePrefix.val
    return [(client_path, path.removeprefix(prefix), name) for client_path, path, name in entries]


def only_fileset(client: Any) -> int:
    return int(max(row[0] for row in query(client, "select f.id from Fileset f")))


def dataset(client: Any, name: str = "d") -> Any:
    made = omero.model.DatasetI()
    made.setName(rstring(name))
    return client.getSession().getUpdateService().saveAndReturnObject(made)


# -- beginning


def test_no_paths_are_refused(importer: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="No paths provided"):
        importer.begin([])


def test_a_checksum_algorithm_must_be_given(importer: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="must specify checksum algorithm"):
        importer.begin([FAKE], checksumAlgorithm=None)


@pytest.mark.parametrize("jobs", [0, 2])
def test_exactly_one_job_is_demanded_and_directories_stay_behind(
    importer: Any, sandbox: Any, jobs: Any
) -> None:
    with pytest.raises(omero.ValidationException):
        importer.repository.importFileset(importer.fileset([FAKE], jobs=jobs), importer.settings())
    assert not query(importer.client, "select f.id from Fileset f")
    assert any(path.is_dir() for path in (sandbox.data_dir / "ManagedRepository").rglob("*-*"))


def test_the_job_must_be_an_upload_job(importer: Any) -> None:
    fileset = importer.fileset([FAKE], jobs=0)
    fileset.linkJob(omero.model.IndexingJobI())
    with pytest.raises(omero.ValidationException, match="non-UploadJob"):
        importer.repository.importFileset(fileset, importer.settings())


@pytest.mark.parametrize("missing", ["omero.client.uuid", "omero.session.uuid"])
def test_an_own_context_without_client_or_session_breaks_imports(
    importer: Any, root: Any, missing: Any
) -> None:
    ctx = dict(root.getContext())
    del ctx[missing]
    with pytest.raises(omero.ServerError):
        importer.repository.importFileset(importer.fileset([FAKE]), importer.settings(), ctx)


def test_an_import_needs_one_group(importer: Any, root: Any) -> None:
    with pytest.raises(omero.ServerError):
        importer.repository.importFileset(
            importer.fileset([FAKE]), importer.settings(), root.getContext(group=-1)
        )


def test_jobs_and_log_file_are_added(importer: Any) -> None:
    importer.fake(FAKE)
    found = (
        importer.client.getSession()
        .getQueryService()
        .findByQuery(
            "select f from Fileset f join fetch f.jobLinks l join fetch l.child j "
            "left outer join fetch j.originalFileLinks k left outer join fetch k.child where f.id = :id",
            omero.sys.ParametersI().addId(only_fileset(importer.client)),
        )
    )
    jobs = [link.child for link in found.copyJobLinks()]
    assert [type(job).__name__ for job in jobs] == [
        "UploadJobI", "MetadataImportJobI", "PixelDataJobI", "ThumbnailGenerationJobI", "IndexingJobI",
    ]  # fmt: skip
    log = jobs[0].copyOriginalFileLinks()[0].child
    assert log.path.val + log.name.val == found.templatePrefix.val.rstrip("/") + ".log"
    assert log.size.val > 0


# -- paths


def test_the_prefix_names_user_date_and_time(importer: Any) -> None:
    importer.fake(FAKE)
    prefix = query(importer.client, "select f.templatePrefix from Fileset f")[0][0]
    assert re.fullmatch(r"root_0/\d{4}-\d\d/\d\d/\d\d-\d\d-\d\d\.\d{3}/", prefix)


def test_every_fileset_has_a_prefix_of_its_own(importer: Any) -> None:
    for _ in range(5):
        importer.begin([FAKE])
    prefixes = [row[0] for row in query(importer.client, "select f.templatePrefix from Fileset f")]
    assert len(set(prefixes)) == 5


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["a.fake"], ["a.fake"]),
        (["x/a.fake", "x/b.txt"], ["x/a.fake", "x/b.txt"]),
        (["/1/2/3/4/5/a.fake"], ["3/4/5/a.fake"]),
        (["/1/2/3/4/5/a.fake", "/1/2/3/4/5/s/b.txt"], ["3/4/5/a.fake", "3/4/5/s/b.txt"]),
        (["1/2/3/s1/a.fake", "1/2/3/s2/a.fake"], ["2/3/s1/a.fake", "2/3/s2/a.fake"]),
        (['q"u:e?/a*b.fake'], ["q'u;e%/axb.fake"]),
        (["CON/com1.txt", "CON/a.fake"], ["CON_/_com1.txt", "CON_/a.fake"]),
        (["$x/a.fake"], ["_$x/a.fake"]),
        (["räum/ü β.fake"], ["räum/ü β.fake"]),
        ([".hidden /a..fake"], [".hidden /a..fake"]),
    ],
)
def test_three_parents_are_kept_and_names_made_safe(importer: Any, given: Any, kept: Any) -> None:
    importer.begin(given)
    found = used_files(importer.client, only_fileset(importer.client))
    assert [client_path for client_path, _, _ in found] == given
    assert [path + name for _, path, name in found] == kept


def test_a_known_reader_keeps_no_common_directories(importer: Any) -> None:
    importer.begin(["1/2/s1/a.fake", "1/2/s2/a.fake"], reader="loci.formats.in.FakeReader")
    found = used_files(importer.client, only_fileset(importer.client))
    assert [path + name for _, path, name in found] == ["s1/a.fake", "s2/a.fake"]


def test_files_that_all_lie_deep_below_their_common_root_cannot_be_placed(importer: Any) -> None:
    with pytest.raises(omero.ApiUsageException, match="fromIndex"):
        importer.begin(["a/b/c/d/1.fake", "e/b/c/d/2.fake"])


def test_a_path_above_the_repository_is_refused(importer: Any) -> None:
    with pytest.raises(omero.ValidationException):
        importer.begin(["a.fake", "../../../../../b.fake"])


def test_names_that_become_the_same_are_refused(importer: Any) -> None:
    with pytest.raises(omero.ValidationException):
        importer.begin(["a:.fake", "a;.fake"])


# -- uploading


def test_the_same_uploader_is_given_until_it_is_closed(importer: Any) -> None:
    process = importer.begin([FAKE])
    first = process.getUploader(0)
    assert process.getUploader(0) == first
    first.write(b"12345", 10, 5)
    assert process.getUploadOffset(0) == 15
    first.close()
    assert process.getUploadOffset(0) == 0
    assert process.getUploader(0) != first


def test_settings_come_back(importer: Any) -> None:
    process = importer.begin([FAKE], userSpecifiedName=rstring("mine"))
    assert process.getImportSettings().userSpecifiedName.val == "mine"


@pytest.mark.parametrize("hashes", [None, [], [EMPTY, EMPTY]])
def test_the_number_of_digests_must_be_that_of_the_files(importer: Any, hashes: Any) -> None:
    process = importer.begin([FAKE])
    importer.upload(process, [b""])
    with pytest.raises(omero.ApiUsageException, match="hashes"):
        process.verifyUpload(hashes)


def test_wrong_digests_are_named_with_the_servers_and_may_be_sent_again(importer: Any) -> None:
    process = importer.begin([FAKE, "b.txt"])
    importer.upload(process, [b"", b"bad"])
    expected = [EMPTY, hashlib.sha1(b"good").hexdigest()]
    with pytest.raises(omero.ChecksumValidationException) as caught:
        process.verifyUpload(expected)
    assert caught.value.failingChecksums == {1: hashlib.sha1(b"bad").hexdigest()}
    store = process.getUploader(1)
    store.truncate(0)
    store.write(b"good", 0, 4)
    store.close()
    assert isinstance(importer.finish(process, expected), omero.grid.ImportResponse)


def test_digests_are_compared_letter_by_letter(importer: Any) -> None:
    process = importer.begin([FAKE])
    importer.upload(process, [b""])
    with pytest.raises(omero.ChecksumValidationException):
        process.verifyUpload([EMPTY.upper()])


def test_an_uploader_that_was_never_closed_is_an_unknown_exception(importer: Any) -> None:
    process = importer.begin([FAKE])
    process.getUploader(0).write(b"", 0, 0)
    with pytest.raises(Ice.UnknownException, match="NullPointer"):
        process.verifyUpload([EMPTY])


def test_the_chosen_algorithm_is_used(importer: Any) -> None:
    algorithm = importer.settings().checksumAlgorithm
    algorithm.setValue(rstring("CRC-32"))
    process = importer.begin([FAKE], checksumAlgorithm=algorithm)
    importer.upload(process, [b""])
    digest = zlib.crc32(b"").to_bytes(4, "little").hex()
    assert isinstance(importer.finish(process, [digest]), omero.grid.ImportResponse)


# -- results


def test_pixels_come_in_the_order_of_series(importer: Any) -> None:
    response = importer.fake("a&sizeX=4&sizeY=4&series=3.fake")
    assert [p.image.series.val for p in response.pixels] == [0, 1, 2]
    names = [p.image.name.val for p in response.pixels]
    file = "a&sizeX=4&sizeY=4&series=3.fake"
    assert names == [f"{file} [a]", f"{file} [a 2]", f"{file} [a 3]"]
    assert [o.id.val for o in response.objects] == [p.image.id.val for p in response.pixels]


def test_a_single_image_is_called_like_the_file_whatever_is_inside(importer: Any) -> None:
    assert importer.fake(FAKE).pixels[0].image.name.val == FAKE


def test_the_clients_name_and_description_are_for_all_images(importer: Any) -> None:
    name, text = rstring("mine"), rstring("about")
    response = importer.fake("a&series=2.fake", userSpecifiedName=name, userSpecifiedDescription=text)
    assert [p.image.name.val for p in response.pixels] == ["mine [a]", "mine [a 2]"]
    assert {p.image.description.val for p in response.pixels} == {"about"}


def test_long_names_keep_their_end(importer: Any) -> None:
    name = "n" * 300 + "end"
    found = importer.fake("a.fake", userSpecifiedName=rstring(name)).pixels[0].image.name.val
    assert len(found) == 255
    assert found.startswith("…n")
    assert found.endswith("nend")


def test_extremes_and_digest_are_found_unless_unwanted(importer: Any) -> Any:
    def found(response: Any) -> tuple[str, list[list[float]]]:
        pixels = response.pixels[0].id
        rows = query(
            importer.client,
            "select s.globalMin, s.globalMax from Channel c join c.statsInfo s where c.pixels.id = :id",
            id=pixels,
        )
        return query(importer.client, "select p.sha1 from Pixels p where p.id = :id", id=pixels)[0][0], rows

    digest, extremes = found(importer.fake("a&sizeX=16&sizeY=12&sizeC=1.fake"))
    assert re.fullmatch("[0-9a-f]{40}", digest)
    assert extremes == [[0.0, 15.0]]
    assert found(importer.fake(FAKE, noStatsInfo=rbool(True))) == ("Pending...", [])


def test_settings_for_rendering_and_thumbnails_are_made_unless_unwanted(importer: Any) -> None:
    importer.fake(FAKE, doThumbnails=rbool(False))
    assert not query(importer.client, "select r.id from RenderingDef r")
    importer.fake(FAKE)
    assert len(query(importer.client, "select r.id from RenderingDef r")) == 1
    assert query(importer.client, "select t.sizeX, t.sizeY from Thumbnail t") == [[16, 8]]


def test_images_go_into_the_dataset(importer: Any, root: Any) -> None:
    target = dataset(root)
    response = importer.fake(
        "a&series=2.fake", userSpecifiedTarget=omero.model.DatasetI(target.id.val, False)
    )
    links = query(root, "select l.child.id from DatasetImageLink l where l.parent.id = :id", id=target.id)
    assert sorted(row[0] for row in links) == [p.image.id.val for p in response.pixels]


def test_plates_go_into_the_screen_and_come_first(importer: Any, root: Any) -> None:
    screen = omero.model.ScreenI()
    screen.setName(rstring("s"))
    screen = root.getSession().getUpdateService().saveAndReturnObject(screen)
    response = importer.fake(PLATE, userSpecifiedTarget=omero.model.ScreenI(screen.id.val, False))
    assert isinstance(response.objects[0], omero.model.Plate)
    links = query(root, "select l.child.id from ScreenPlateLink l where l.parent.id = :id", id=screen.id)
    assert links == [[response.objects[0].id.val]]
    samples = query(
        root, "select w.row, w.column, s.image.series from WellSample s join s.well w order by s.id"
    )
    assert samples[:3] == [[0, 0, 0], [0, 0, 1], [0, 1, 2]]
    assert len(samples) == 8


def test_other_targets_fail_after_the_upload(importer: Any, root: Any) -> None:
    project = omero.model.ProjectI()
    project.setName(rstring("p"))
    project = root.getSession().getUpdateService().saveAndReturnObject(project)
    response = importer.fake(FAKE, userSpecifiedTarget=omero.model.ProjectI(project.id.val, False))
    assert isinstance(response, omero.cmd.ERR)
    assert response.name == "import-request-failure"
    assert "Unable to handle target" in response.parameters["message"]


def test_pixel_sizes_are_used_where_the_file_has_none(importer: Any) -> Any:
    def sizes(name: str) -> list[float]:
        response = importer.fake(name, userSpecifiedPixels=[0.5, 0.25, 2.0])
        pixels = importer.client.getSession().getQueryService().get("Pixels", response.pixels[0].id.val)
        return [
            pixels.physicalSizeX.getValue(),
            pixels.physicalSizeY.getValue(),
            pixels.physicalSizeZ.getValue(),
        ]

    assert sizes("a.fake") == [0.5, 0.25, 2.0]
    assert sizes("a&physicalSizeX=9.fake") == [9.0, 0.25, 2.0]


def test_annotations_are_linked_to_every_image(importer: Any, root: Any) -> None:
    tag = omero.model.TagAnnotationI()
    tag.setTextValue(rstring("known"))
    tag = root.getSession().getUpdateService().saveAndReturnObject(tag)
    new = omero.model.CommentAnnotationI()
    new.setTextValue(rstring("new"))
    given = [omero.model.TagAnnotationI(tag.id.val, False), new]
    importer.fake("a&series=2.fake", userSpecifiedAnnotationList=given)
    assert len(query(root, "select l.id from ImageAnnotationLink l")) == 4
    assert len(query(root, "select a.id from CommentAnnotation a")) == 1


def test_the_owner_is_the_user_of_the_session_not_omero_user(people: Any, root: Any, importer: Any) -> None:
    lab = people.group("lab")
    ann = people.user("ann", lab)
    root.getImplicitContext().put("omero.group", str(lab))
    ctx = root.getContext() | {"omero.user": str(ann)}
    process = importer.repository.importFileset(importer.fileset([FAKE]), importer.settings(), ctx)
    importer.upload(process, [b""])
    response = importer.finish(process, [EMPTY])
    details = response.pixels[0].image.details
    assert (details.owner.id.val, details.group.id.val) == (0, lab)


# -- failures


def test_an_unknown_format_ends_in_an_error_and_leaves_the_fileset(importer: Any) -> None:
    response = importer({"a.xyz": b"nothing known"})
    assert isinstance(response, omero.cmd.ERR)
    assert (response.category, response.name) == ("::omero::grid::ImportRequest", "error-on-init")
    assert "Unknown file format" in response.parameters["message"]
    assert (
        len(query(importer.client, "select f.id from Fileset f left outer join f.images i where i is null"))
        == 1
    )


def test_pixels_that_cannot_be_decoded_fail_when_the_images_exist(importer: Any, tmp_path: Path) -> None:

    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.arange(10000, dtype="u2").reshape(100, 100), compression="zlib", metadata=None)
    damaged = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[0]
    damaged[start : start + 200] = bytes(200)
    response = importer({"a.tif": bytes(damaged)})
    assert response.name == "import-file-exception"
    assert len(query(importer.client, "select i.id from Image i")) == 1


def test_a_missing_sibling_ends_in_an_error(importer: Any, tmp_path: Path) -> None:
    xml = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="4" SizeY="4" SizeZ="1" SizeC="1" '
        'SizeT="1"><TiffData IFD="0"><UUID FileName="gone.ome.tif">'
        "urn:uuid:f8a2a5e0-1111-4111-8111-111111111111</UUID></TiffData></Pixels></Image></OME>"
    )
    tifffile.imwrite(tmp_path / "a.ome.tif", np.zeros((4, 4), "u1"), description=xml, metadata=None)
    response = importer({"a.ome.tif": (tmp_path / "a.ome.tif").read_bytes()})
    assert response.name == "error-on-init"
    assert "gone.ome.tif" in response.parameters["message"]


def test_the_handle_knows_its_request_and_its_steps(importer: Any, root: Any) -> None:
    process = importer.begin([FAKE])
    handle = process.verifyUpload(importer.upload(process, [b""]))
    callback = root.waitOnCmd(handle, loops=400, ms=50)
    request = handle.getRequest()
    assert isinstance(request.activity.child, omero.model.MetadataImportJob)
    assert request.activity.parent.id.val == only_fileset(root)
    assert (handle.getStatus().steps, handle.getStatus().currentStep) == (5, 4)
    assert process.getHandle() == handle
    callback.close(True)


# -- the rest of the repository


def test_algorithms_are_listed_by_preference_and_suggested(importer: Any) -> None:
    listed = [a.value.val for a in importer.repository.listChecksumAlgorithms()]
    assert (listed[0], len(listed)) == ("SHA1-160", 7)
    wanted = [importer.settings().checksumAlgorithm, importer.settings().checksumAlgorithm]
    wanted[0].setValue(rstring("Adler-32"))
    wanted[1].setValue(rstring("MD5-128"))
    assert importer.repository.suggestChecksumAlgorithm(wanted).value.val == "MD5-128"
    wanted[0].setValue(rstring("none such"))
    assert importer.repository.suggestChecksumAlgorithm(wanted[:1]) is None


def test_files_whose_bytes_changed_on_disk_are_found(importer: Any, root: Any, sandbox: Any) -> None:
    importer.fake(FAKE)
    (number, path, name) = query(
        root, "select f.id, f.path, f.name from FilesetEntry e join e.originalFile f"
    )[0]
    assert importer.repository.verifyChecksums([number]) == []
    (sandbox.data_dir / "ManagedRepository" / path / name).write_bytes(b"changed")
    assert importer.repository.verifyChecksums([number, 999]) == [number]


def test_the_algorithm_of_a_file_can_be_changed(importer: Any, root: Any) -> None:
    importer.fake(FAKE)
    number = query(root, "select f.id from FilesetEntry e join e.originalFile f")[0][0]
    wanted = importer.settings().checksumAlgorithm
    wanted.setValue(rstring("MD5-128"))
    assert importer.repository.setChecksumAlgorithm(wanted, [number]) == [number]
    found = root.getSession().getQueryService().get("OriginalFile", number)
    assert found.hash.val == hashlib.md5(b"").hexdigest()


def test_root_describes_the_repository(importer: Any) -> None:
    found = importer.repository.root()
    assert (found.name.val, found.mimetype.val) == ("ManagedRepository", "Repository")


def test_trees_are_listed_with_ids_types_and_sizes(importer: Any, root: Any) -> None:
    importer({FAKE: b"", "sub/notes.txt": b"12345"})
    prefix = query(root, "select f.templatePrefix from Fileset f")[0][0].rstrip("/")
    assert importer.repository.fileExists(prefix)
    assert not importer.repository.fileExists(prefix + "/none")
    assert sorted(importer.repository.list(prefix)) == [f"{prefix}/{FAKE}", f"{prefix}/sub"]
    tree = omero.rtypes.unwrap(importer.repository.treeList(prefix))[prefix.rpartition("/")[2]]
    assert tree["mimetype"] == "Directory"
    notes = tree["files"]["sub"]["files"]["notes.txt"]
    assert (notes["size"], notes["mimetype"]) == (5, "text/plain")


def test_directories_and_files_are_made_below_the_users_own(people: Any) -> None:
    people.user("ann", people.group("lab"))
    client = people.login("ann")
    repository = client.getManagedRepository()
    own = f"ann_{client.getSession().getAdminService().getEventContext().userId}"
    with pytest.raises(omero.ValidationException, match="template path"):
        repository.makeDir("elsewhere/x", True)
    repository.makeDir(f"{own}/x/y", True)
    with pytest.raises(omero.ResourceError, match="exists"):
        repository.makeDir(f"{own}/x/y", False)
    store = repository.file(f"{own}/x/y/new.bin", "rw")
    store.write(b"abc", 0, 3)
    store.close()
    assert repository.mimetype(f"{own}/x/y/new.bin") == "application/octet-stream"
    assert [f.name.val for f in repository.listFiles(f"{own}/x/y")] == ["new.bin"]


def test_files_that_are_only_on_disk_are_unregistered(importer: Any, sandbox: Any) -> None:
    (sandbox.data_dir / "ManagedRepository" / "stray.bin").write_bytes(b"x")
    with pytest.raises(omero.grid.UnregisteredFileException):
        importer.repository.file("stray.bin", "r")
    importer.repository.register("stray.bin", rstring("text/x"))
    store = importer.repository.file("stray.bin", "r")
    assert store.read(0, 1) == b"x"
    store.close()


@pytest.mark.parametrize("path", ["../secret", "a/../../b", 'a"b'])
def test_paths_outside_or_with_unsafe_names_are_refused(importer: Any, path: Any) -> None:
    with pytest.raises(omero.ValidationException):
        importer.repository.fileExists(path)


def test_deleting_paths_starts_a_command(importer: Any, root: Any) -> None:
    importer.repository.makeDir("root_0/x", True)
    importer.repository.file("root_0/x/f.bin", "rw").close()
    handle = importer.repository.deletePaths(["root_0/x"], True, True)
    callback = root.waitOnCmd(handle, loops=400, ms=50)
    callback.close(True)
    assert not importer.repository.fileExists("root_0/x/f.bin")


def test_a_simple_import_needs_only_paths(importer: Any) -> None:
    process = importer.repository.importPaths([FAKE])
    response = importer.finish(process, importer.upload(process, [b""]))
    assert response.pixels[0].image.name.val == FAKE


def test_open_imports_are_listed_until_they_are_closed(importer: Any) -> None:
    process = importer.begin([FAKE])
    assert importer.repository.listImports() == [process]
    process.close()
    assert importer.repository.listImports() == []
