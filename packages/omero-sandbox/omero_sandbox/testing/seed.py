"""Fills a server with data, as a user would: through the client's API only.

For tests and the demo; works with any OMERO server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import omero
import omero.clients
from omero.rtypes import rbool, rint, rlong, rstring

_BLOCK = 1_000_000
_HASHER = "SHA1-160"
_AGENT = "omero-rocrate-transfer sandbox"
#: Seconds within which an import is done; a busy server needs 2 for each of many files.
_WAIT_S = 1800


@dataclass(frozen=True)
class Imported:
    """What an import made; images in series order."""

    fileset: int
    images: list[int]
    plates: list[int]


# -- import


def import_fileset(client: Any, folder: Path, names: Sequence[str], target: Any = None) -> Imported:
    """Import files as one fileset (omero.testlib.AbstractRepoTest.full_import).

    Parameters
    ----------
    client : omero.client
        Logged in; images go to its session's group and belong to its user.
    folder : Path
    names : sequence of str
        POSIX paths within the folder, the one to open first.
    target : omero.model.DatasetI or ScreenI, optional
        Where to put the images or plate.

    Raises
    ------
    omero.CmdError
        The server cannot read the files.
    """
    process = client.getManagedRepository().importFileset(_fileset(names), _settings(target))
    try:
        hashes = [_upload(process.getUploader(index), folder / name) for index, name in enumerate(names)]
        callback = client.waitOnCmd(process.verifyUpload(hashes), loops=_WAIT_S, ms=1000, failontimeout=True)
        response = callback.getResponse()
        callback.close(True)
    finally:
        process.close()
    return _imported(client, response)


def _fileset(names: Iterable[str]) -> Any:
    fileset = omero.model.FilesetI()
    for name in names:
        entry = omero.model.FilesetEntryI()
        entry.clientPath = rstring(name)
        fileset.addFilesetEntry(entry)
    job = omero.model.UploadJobI()
    job.versionInfo = [omero.model.NamedValue("omero.version", _AGENT)]
    fileset.linkJob(job)
    return fileset


def _settings(target: Any) -> Any:
    algorithm = omero.model.ChecksumAlgorithmI()
    algorithm.value = rstring(_HASHER)
    settings = omero.grid.ImportSettings()
    settings.userSpecifiedTarget = target
    settings.doThumbnails = rbool(True)
    settings.noStatsInfo = rbool(False)
    settings.checksumAlgorithm = algorithm
    return settings


def _upload(store: Any, path: Path) -> str:
    """Send one file; closing the store makes the server compute its hash."""
    digest = hashlib.sha1(usedforsecurity=False)
    offset = 0
    with closing(store), path.open("rb") as file:
        store.write(b"", 0, 0)
        for block in iter(lambda: file.read(_BLOCK), b""):
            store.write(block, offset, len(block))
            digest.update(block)
            offset += len(block)
    return digest.hexdigest()


def _imported(client: Any, response: Any) -> Imported:
    images = [pixels.image.id.val for pixels in response.pixels]
    plates = [each.id.val for each in response.objects if isinstance(each, omero.model.Plate)]
    image = client.sf.getQueryService().get("Image", images[0])
    return Imported(image.fileset.id.val, images, plates)


# -- containers


def save(client: Any, thing: Any) -> Any:
    """Save an object and return it as the server has it."""
    return client.sf.getUpdateService().saveAndReturnObject(thing)


def create(client: Any, kind: str, name: str, description: str | None = None) -> Any:
    """Make a Project, Dataset, Screen, Folder … and return an unloaded reference to it."""
    made = getattr(omero.model, f"{kind}I")()
    made.name = rstring(name)
    made.description = None if description is None else rstring(description)
    return reference(kind, save(client, made).id.val)


def reference(kind: str, number: int) -> Any:
    """Return an unloaded object, for links."""
    return getattr(omero.model, f"{kind}I")(number, False)


def link(client: Any, parent: Any, child: Any) -> int:
    """Link two objects, such as a dataset and an image, or anything and an annotation."""
    is_annotation = isinstance(child, omero.model.Annotation)
    above = "Annotation" if isinstance(parent, omero.model.Annotation) else _simple(parent)
    name = f"{above}{'Annotation' if is_annotation else _simple(child)}LinkI"
    made = getattr(omero.model, name)()
    made.parent, made.child = parent, child
    return int(save(client, made).id.val)


def rename(client: Any, kind: str, number: int, name: str, description: str | None = None) -> None:
    """Change the name of an object, and its description if one is given."""
    found = client.sf.getQueryService().get(kind, number)
    found.name = rstring(name)
    if description is not None:
        found.description = rstring(description)
    save(client, found)


def _simple(thing: Any) -> str:
    return str(type(thing).__name__).removesuffix("I")


# -- annotations and ROIs


def tag(client: Any, text: str, description: str | None = None) -> Any:
    """Make a tag and return a reference to it."""
    made = omero.model.TagAnnotationI()
    made.textValue = rstring(text)
    made.description = None if description is None else rstring(description)
    return reference("TagAnnotation", save(client, made).id.val)


def tag_set(client: Any, text: str, members: Iterable[Any]) -> Any:
    """Make a tag set with tags in it."""
    made = omero.model.TagAnnotationI()
    made.textValue, made.ns = rstring(text), rstring("openmicroscopy.org/omero/insight/tagset")
    group = reference("TagAnnotation", save(client, made).id.val)
    for member in members:
        between = omero.model.AnnotationAnnotationLinkI()
        between.parent, between.child = group, member
        save(client, between)
    return group


def key_values(client: Any, pairs: Sequence[tuple[str, str]], ns: str | None = None) -> Any:
    """Make a map annotation; by default one that clients let users edit."""
    made = omero.model.MapAnnotationI()
    made.ns = rstring(ns or "openmicroscopy.org/omero/client/mapAnnotation")
    made.mapValue = [omero.model.NamedValue(name, value) for name, value in pairs]
    return reference("MapAnnotation", save(client, made).id.val)


def comment(client: Any, text: str) -> Any:
    """Make a comment."""
    made = omero.model.CommentAnnotationI()
    made.textValue = rstring(text)
    return reference("CommentAnnotation", save(client, made).id.val)


def rating(client: Any, stars: int) -> Any:
    """Make a rating of one to five stars."""
    made = omero.model.LongAnnotationI()
    made.ns, made.longValue = rstring("openmicroscopy.org/omero/insight/rating"), rlong(stars)
    return reference("LongAnnotation", save(client, made).id.val)


def attachment(client: Any, path: Path, mimetype: str, ns: str | None = None) -> Any:
    """Upload a file and make a file annotation of it."""
    file = omero.model.OriginalFileI()
    file.name, file.path = rstring(path.name), rstring("/attachments/")
    file.size, file.mimetype = rlong(path.stat().st_size), rstring(mimetype)
    file.hasher = omero.model.ChecksumAlgorithmI()
    file.hasher.value = rstring(_HASHER)
    saved = save(client, file)
    store = client.sf.createRawFileStore()
    store.setFileId(saved.id.val)
    _upload(store, path)
    made = omero.model.FileAnnotationI()
    made.file = reference("OriginalFile", saved.id.val)
    made.ns = None if ns is None else rstring(ns)
    return reference("FileAnnotation", save(client, made).id.val)


def roi(client: Any, image: int, shapes: Sequence[Any], name: str | None = None) -> int:
    """Make a ROI with shapes on an image."""
    made = omero.model.RoiI()
    made.image = reference("Image", image)
    made.name = None if name is None else rstring(name)
    for each in shapes:
        made.addShape(each)
    return int(save(client, made).id.val)


def shape(
    kind: str, text: str | None = None, z: int | None = None, t: int | None = None, **values: float
) -> Any:
    """Make a shape, such as ``shape("Rectangle", x=1, y=2, width=3, height=4)``, on a plane or on all."""
    made = getattr(omero.model, f"{kind}I")()
    for name, value in values.items():
        setattr(made, name, omero.rtypes.rdouble(value))
    made.textValue = None if text is None else rstring(text)
    made.theZ, made.theT = (None if at is None else rint(at) for at in (z, t))
    return made


# -- people


def group(client: Any, name: str, permissions: str = "rwra--") -> int:
    """Make a group and return its id; needs an administrator."""
    made = omero.model.ExperimenterGroupI()
    made.name, made.ldap = rstring(name), rbool(False)
    made.details.permissions = omero.model.PermissionsI(permissions)
    return int(client.sf.getAdminService().createGroup(made))


def user(client: Any, name: str, password: str, groups: Sequence[int], **names: str) -> int:
    """Make a user whose default group is the first; needs an administrator.

    Parameters
    ----------
    client : omero.client
    name, password : str
    groups : sequence of int
    **names : str
        ``first``, ``last``, ``email``, ``institution``.
    """
    admin = client.sf.getAdminService()
    made = omero.model.ExperimenterI()
    made.omeName, made.ldap = rstring(name), rbool(False)
    made.firstName, made.lastName = rstring(names.get("first", name)), rstring(names.get("last", "Tester"))
    for field in ("email", "institution"):
        if field in names:
            setattr(made, field, rstring(names[field]))
    rest = [*groups[1:], admin.getSecurityRoles().userGroupId]
    others = [reference("ExperimenterGroup", number) for number in rest]
    default = reference("ExperimenterGroup", groups[0])
    return int(admin.createExperimenterWithPassword(made, rstring(password), default, others))


def connection(host: str, port: int, name: str, password: str, group_name: str | None = None) -> Any:
    """Log in over TCP; the caller closes the ``omero.client``."""
    arguments = [f"--omero.group={group_name}"] if group_name else None
    client = omero.client(host=f"tcp://{host}", port=port, args=arguments)
    client.createSession(name, password)
    return client
