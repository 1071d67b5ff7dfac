"""Where an object comes from, as a map annotation on what it became."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer import __version__
from omero_rocrate_transfer.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from omero_rocrate_transfer.model.contents import Contents, TransferUnit
    from omero_rocrate_transfer.model.refs import ObjectRef

#: Namespace of omero-cli-transfer, whose annotations have the same keys.
NAMESPACE: Final = "openmicroscopy.org/cli/transfer"
_SOFTWARE: Final = "omero-rocrate-transfer"
#: Fields a user may choose, with the keys they have in the annotation; both are those of omero-cli-transfer.
FIELDS: Final = {
    "img_id": "origin_image_id",
    "plate_id": "origin_plate_id",
    "timestamp": "packing_timestamp",
    "software": "software",
    "version": "version",
    "hostname": "origin_hostname",
    "md5": "md5",
    "orig_user": "original_user",
    "orig_group": "original_group",
    "db_id": "database_id",
}
#: What ``all`` means: as in omero-cli-transfer, the database is only named on request.
_ALL: Final = tuple(field for field in FIELDS if field != "db_id")


def parse_fields(words: Iterable[str]) -> tuple[str, ...]:
    """Return the fields that a user chose by name, or by ``all`` or ``none``.

    Raises
    ------
    UsageError
        ``none`` stands beside others.
    """
    chosen = list(words)
    if "none" in chosen and set(chosen) != {"none"}:
        raise UsageError("--metadata: none stands beside other fields.", hint="Name fields, or none.")
    wanted = {*chosen, *(_ALL if "all" in chosen else ())}
    return tuple(field for field in FIELDS if field in wanted)


class Provenance:
    """Tells where the objects of some contents come from."""

    def __init__(self, contents: Contents, fields: Sequence[str]) -> None:
        self._contents = contents
        self._fields = fields
        self._plates = {one.ref: one for one in contents.containers if one.ref.type == "Plate"}
        self._logins = {person.id: person.login for person in contents.people}
        self._groups = {group.id: group.name for group in contents.groups}

    def origins(self, unit: TransferUnit) -> Iterator[tuple[ObjectRef, int | None, int | None]]:
        """Yield the images and plates of a unit, with the ids of owner and group on the source."""
        for image in unit.images:
            yield image.ref, image.owner, image.group
        for plate in unit.plates:
            container = self._plates.get(plate)
            if container is not None:
                yield plate, container.owner, container.group

    def pairs(self, ref: ObjectRef, owner: int | None, group: int | None) -> tuple[tuple[str, str], ...]:
        """Return keys and values for an Image or Plate of the source; empty where nothing is wanted or known.

        Parameters
        ----------
        owner, group
            Ids on the source, of the object itself and not of whoever packed it.
        """
        source = self._contents.source
        values = {
            "img_id": str(ref.id) if ref.type == "Image" else None,
            "plate_id": str(ref.id) if ref.type == "Plate" else None,
            "timestamp": source.packed,
            "software": _SOFTWARE,
            "version": __version__,
            "hostname": source.host,
            "md5": source.crate_md5,
            "orig_user": self._logins.get(owner) if owner is not None else None,
            "orig_group": self._groups.get(group) if group is not None else None,
            "db_id": source.database_uuid,
        }
        return tuple((FIELDS[field], value) for field in self._fields if (value := values[field]))
