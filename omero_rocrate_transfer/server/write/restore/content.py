"""The content of one unit on the target: all areas in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from ome_types import model

from omero_rocrate_transfer.model.contents import Omission
from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import Extras
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.rendering import Rendering
from omero_rocrate_transfer.server.mapping.conversions import parse_ref
from omero_rocrate_transfer.server.read.annotations.annotations import iter_links
from omero_rocrate_transfer.server.read.documents.experiments import (
    ExperimentContent,
    instruments_of,
    read_experiments,
)
from omero_rocrate_transfer.server.read.documents.images import ImageContent, read_images, read_instruments
from omero_rocrate_transfer.server.read.documents.planes import read_planes
from omero_rocrate_transfer.server.session.owners import Owners
from omero_rocrate_transfer.server.session.people import Account
from omero_rocrate_transfer.server.write.ownership import MemberAccounts
from omero_rocrate_transfer.server.write.restore.experiments import (
    ExperimentRestorer,
    experiment_contents,
)
from omero_rocrate_transfer.server.write.restore.images import ImageRestorer, images_of
from omero_rocrate_transfer.server.write.restore.instruments import InstrumentRestorer, instrument_content
from omero_rocrate_transfer.server.write.restore.members import find_members, link_members
from omero_rocrate_transfer.server.write.restore.outside import Outside
from omero_rocrate_transfer.server.write.restore.planes import PlaneRestorer
from omero_rocrate_transfer.server.write.restore.plates import PlateRestorer
from omero_rocrate_transfer.server.write.restore.rendering import restore_rendering
from omero_rocrate_transfer.server.write.restore.rois import ImportedRois, RoiRestorer, SourceRois
from omero_rocrate_transfer.server.write.restore.target import Target
from omero_rocrate_transfer.server.write.target_ids import TargetIds


class ContentRestorer:
    """Restores what the images of one unit hold besides pixels and annotations.

    What the import of the same files made already is recognised by its content, and kept; what users changed
    on the source since its own import wins over what the files say.

    Parameters
    ----------
    group
        Id of the group that the images are in.
    ids
        Gets what became of images, channels, ROIs and so on.
    owner
        Of the images, and of all that nothing else is said of.
    """

    def __init__(self, owners: Owners, group: int, ids: TargetIds, owner: Account | None) -> None:
        self._owners = owners
        self._owner = owner
        self._group = group
        self._ids = ids
        self._targets: list[Target] = []
        #: Ids on the target, by the LSID of the image.
        self._images: dict[str, int] = {}
        self._imported = ImportedRois()
        #: What became of objects that others refer to.
        self._refs: dict[ObjectRef, ObjectRef] = {}

    def restore(self, document: Document, images: Mapping[ObjectRef, int]) -> Collection[str]:
        """Restore the content of images.

        Parameters
        ----------
        images
            Ids on the target, by the image of the source.

        Returns
        -------
        collection of str
            LSIDs of ROIs and shapes that are new: an import cannot have put anything on them.
        """
        target = self._target(self._owner)
        elements = {ref: one for ref, one in images_of(document.ome.images).items() if ref in images}
        there = read_images(target.reader, target.enumerations, images.values())
        pairs = [(one, there[images[ref]]) for ref, one in elements.items() if images[ref] in there]
        self._ids.add({one.id: ObjectRef("Image", content.id) for one, content in pairs})
        outside = Outside(document.extras)
        made = read_experiments(
            target.reader, target.enumerations, [one for image in there.values() for one in image.experiments]
        )
        self._restore_instruments(target, document, outside, _instruments(there, made))
        ExperimentRestorer(target, self._ids).restore(experiment_contents(document, outside), made.values())
        self._refs |= dict(_pixels(pairs))
        target.refs |= self._refs
        restorer = ImageRestorer(target, document.extras.fields, complete=document.extras.complete)
        self._ids.add(restorer.restore(pairs))
        self._ids.add(_restore_planes(target, document.extras, pairs))
        self._images = {one.id: content.id for one, content in pairs}
        self._imported = ImportedRois.read(target, self._images.values())
        new = self._restore_rois(document)
        self._restore_members(target, document)
        PlateRestorer(target, document.extras, self._ids).restore(document.ome)
        self._restore_rendering(target, document.extras, pairs)
        return new

    def restore_page(self, page: Document) -> Collection[str]:
        """Restore the ROIs of a page, once the content of their images is; return as `restore` does."""
        new = self._restore_rois(page)
        self._restore_members(self._target(self._owner), page)
        return new

    def remove_others(self) -> None:
        """Delete the ROIs that the import made and neither the document nor a page has."""
        self._target(self._owner).delete("Roi", self._imported.left)

    def omissions(self, on: ObjectRef) -> list[Omission]:
        """Return what got lost so far, as part of a unit."""
        return [omission for each in self._targets for omission in each.omissions(on)]

    def _restore_instruments(
        self, target: Target, document: Document, outside: Outside, numbers: Iterable[int]
    ) -> None:
        found = (
            (one.id, instrument_content(one, document.extras.fields, outside))
            for one in document.ome.instruments
        )
        wanted = {lsid: content for lsid, content in found if content is not None}
        if wanted:
            made = read_instruments(target.reader, target.enumerations, numbers)
            InstrumentRestorer(target, self._ids).restore(wanted, made.values())

    def _restore_rois(self, document: Document) -> Collection[str]:
        others = {lsid: self._owners.account(login) for lsid, login in document.extras.owners.items()}
        source = SourceRois(document)
        needed = {link.parent for link in document.extras.annotations.links}.union(
            document.extras.identifiers, (parent for parent, _ in iter_links(document.ome))
        )
        new: set[str] = set()
        for owner in dict.fromkeys((self._owner, *others.values())):
            # an import makes ROIs for the owner of the images
            there = self._imported if owner == self._owner else ImportedRois()
            restorer = RoiRestorer(self._target(owner), there, needed=needed)
            restorer.restore(
                (
                    self._images[one.id],
                    (roi for roi in source.of(one) if others.get(roi.lsid, self._owner) == owner),
                )
                for one in document.ome.images
                if one.id in self._images
            )
            self._ids.add(restorer.made)
            new |= restorer.new
        return new

    def _restore_members(self, target: Target, document: Document) -> None:
        links = MemberAccounts(self._owners, document.extras.members)
        for owner, pairs in find_members(target, document, self._ids, links, self._owner).items():
            link_members(self._target(owner), pairs)

    def _restore_rendering(
        self, target: Target, extras: Extras, pairs: list[tuple[model.Image, ImageContent]]
    ) -> None:
        wanted: dict[Account | None, dict[int, Rendering]] = {}
        for element, content in pairs:
            for user in extras.rendering.get(element.id, ()):
                account = self._owner if user.owner else self._owners.account(user.login)
                reason = "" if user.owner else self._owners.why_no_settings(user.login, self._owner)
                if not reason and content.pixels_id in wanted.get(account, {}):
                    reason = "who has them on the target has others for the same image"
                if reason:
                    target.lose("RenderingDef", reason)
                else:
                    wanted.setdefault(account, {})[content.pixels_id] = user.rendering
        for account, settings in wanted.items():
            restore_rendering(self._owners.hand(account), self._group, settings)

    def _target(self, owner: Account | None) -> Target:
        """Return the target for what belongs to somebody."""
        target = Target(self._owners.hand(owner), self._group)
        target.refs |= self._refs
        self._targets.append(target)
        return target


def _pixels(pairs: Iterable[tuple[model.Image, ImageContent]]) -> Iterator[tuple[ObjectRef, ObjectRef]]:
    """Yield the Pixels of the source with what they became."""
    for element, content in pairs:
        ref = parse_ref(element.pixels.id)
        if ref is not None:
            yield ref, ObjectRef("Pixels", content.pixels_id)


def _instruments(
    images: Mapping[int, ImageContent], experiments: Mapping[int, ExperimentContent]
) -> list[int]:
    """Return the instruments that an import made."""
    used = [number for image in images.values() for number in image.instruments]
    return [*used, *instruments_of(experiments.values())]


def _restore_planes(
    target: Target, extras: Extras, pairs: list[tuple[model.Image, ImageContent]]
) -> dict[str, ObjectRef]:
    """Restore what is known of planes; return what those became that are annotated, by LSID."""
    keys = {(place.of, place.index): lsid for lsid, place in extras.annotations.places.items()}
    there = read_planes(target.reader, [content.id for _, content in pairs])
    restorer = PlaneRestorer(target, keys.keys(), complete=extras.complete)
    for element, content in pairs:
        pixels = element.pixels
        planes = there.get(content.pixels_id, [])
        restorer.add(pixels, extras.fields.get(pixels.id, {}), content.pixels_id, planes)
    restorer.save()
    return {keys[key]: made for key, made in restorer.made.items()}
