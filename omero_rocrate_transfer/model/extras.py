"""What OMERO knows and OME 2016-06 cannot say: values that travel beside an OME document, keyed by LSID.

Each area has a section of its own. Everything has a default, which is left out when written, so an older
reader finds what it knows and a newer one misses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from omero_rocrate_transfer.model.rendering import Rendering

#: Namespace of the one XMLAnnotation in each document that holds them, a page of the crate's profile.
NAMESPACE: Final = "https://github.com/ome/omero-rocrate-transfer/profile/0.1/extras"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """The OriginalFile of a FileAnnotation."""

    #: LSID of the OriginalFile: two annotations may share one.
    id: str
    #: ``OriginalFile.path``, which clients fill as they like; private, only carried on request.
    path: str | None = None
    #: Name of the algorithm and digest as OMERO stored them; both or none.
    algorithm: str | None = None
    hex: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationFacts:
    """One annotation."""

    #: ``Annotation.name``, for which OME-XML has no place.
    name: str | None = None
    #: Exact namespace and description where OME-XML does not keep them: a namespace that is no URI,
    #: characters XML cannot hold.
    namespace: str | None = None
    description: str | None = None
    #: Creation time, ISO 8601 in UTC.
    created: str | None = None
    #: Whether it has no value; the one in the OME-XML only keeps the place.
    null: bool = False
    #: Exact text where the OME-XML does not keep it: the value of a XmlAnnotation, a Double that is not
    #: finite, the milliseconds of a Timestamp outside the years that XML knows, characters XML cannot hold.
    text: str | None = None
    #: Exact pairs of a MapAnnotation where names or values are null.
    pairs: tuple[tuple[str | None, str | None], ...] | None = None
    file: FileFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationLink:
    """One link from an object to an annotation on it; OMERO allows one for each owner."""

    #: LSIDs of the object and of the annotation.
    parent: str
    child: str
    #: Login of whoever linked them.
    owner: str | None = None
    #: Time of linking, ISO 8601 in UTC.
    created: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a plane or light path is in a document."""

    #: LSID of the Pixels or of the first Channel that has it.
    of: str
    #: Among the planes of the Pixels, from 0.
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationExtras:
    """Annotations, and their links in the order in which they were made."""

    #: By LSID of the annotation.
    facts: dict[str, AnnotationFacts] = field(default_factory=dict)
    links: tuple[AnnotationLink, ...] = ()
    #: Place in the unit of each original file that has annotations, by LSID, from 0.
    files: dict[str, int] = field(default_factory=dict)
    #: Of each plane and light path that has annotations, by its LSID: OME-XML gives them no ids.
    places: dict[str, Place] = field(default_factory=dict)
    #: Whether all annotations were taken: then what an import makes beyond them was removed by a user.
    complete: bool = False


#: Of one field: a plain value, a quantity as (value, name of the unit), a map as pairs, or null.
FieldValue = None | bool | int | float | str | tuple[float, str] | tuple[tuple[str | None, str | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraObject:
    """An object of which OME-XML has no kind, like a shape of type Path, or a ROI without any shape."""

    #: LSID, and OMERO's name of the class.
    id: str
    type: str
    #: LSID of what it belongs to, and its place in the list there.
    parent: str
    index: int = 0
    #: By OMERO's names.
    fields: dict[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identifier:
    """What another system calls an object: an ``ExternalInfo`` of OMERO."""

    entity_type: str
    #: Fits into 64 bits.
    entity_id: int
    lsid: str | None = None
    uuid: str | None = None

    def __post_init__(self) -> None:
        if not -(2**63) <= self.entity_id < 2**63:
            raise ValueError(f"{self.entity_id} does not fit into 64 bits")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """A file that ROIs were made from (``Roi.source``)."""

    #: Place in the unit, from 0.
    place: int
    #: LSIDs.
    rois: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRendering:
    """The rendering settings of one user."""

    #: ``Experimenter.omeName``.
    login: str
    rendering: Rendering
    #: Whether the image is theirs.
    owner: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLink:
    """One link from a container or folder to what is in it; OMERO allows one for each owner."""

    #: LSIDs of both.
    parent: str
    child: str
    #: Login of whoever linked them.
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """The extras of one document."""

    annotations: AnnotationExtras = field(default_factory=AnnotationExtras)
    #: Whether document and extras say all there was about the images and plates: then what an import makes
    #: beyond them was removed by a user. Not so for documents that other tools wrote.
    complete: bool = False
    #: Values that OME-XML cannot hold, by LSID and OMERO's path from there, ``"objectiveSettings.medium"``:
    #: they count, not what the document has in their place.
    fields: dict[str, dict[str, FieldValue]] = field(default_factory=dict)
    objects: tuple[ExtraObject, ...] = ()
    #: LSIDs of shapes in their order, by LSID of the ROI, where shapes of several classes are in it: the
    #: ome-types library writes them class by class.
    shapes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: LSIDs of ROIs among `objects`, by LSID of the folder they are in: a ROIRef needs an element.
    folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: By LSID of the object.
    identifiers: dict[str, Identifier] = field(default_factory=dict)
    #: By LSID of the file, which belongs to the unit of the document.
    sources: dict[str, FileSource] = field(default_factory=dict)
    #: By LSID of the image; the owner's first.
    rendering: dict[str, tuple[UserRendering, ...]] = field(default_factory=dict)
    #: Logins of the owners of folders, and of ROIs that belong to somebody else than the first image of the
    #: document; by LSID.
    owners: dict[str, str] = field(default_factory=dict)
    #: All links between two objects, where somebody made one who does not own the first image of the document
    #: or, in the document of the containers, what the link leads to.
    members: tuple[MemberLink, ...] = ()
