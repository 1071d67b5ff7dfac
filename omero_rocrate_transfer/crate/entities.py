"""JSON-LD entities of OMERO's objects: files, filesets, containers, images, people and groups.

Images and containers are what RO-Crate calls things and groups of a repository ("Digital Library and
Repository content" of its specification), so that OMERO's Dataset is no schema.org Dataset (a folder).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.media_types import OME_XML, guess_media_type
from omero_rocrate_transfer.crate.vocabulary import DIGEST_TERMS, OME, PERMISSIONS
from omero_rocrate_transfer.crate.vocabulary import OME_XML as OME_XML_PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from omero_rocrate_transfer.model.contents import (
        Container,
        Group,
        ImageRecord,
        OriginalFile,
        Person,
        TransferUnit,
    )
    from omero_rocrate_transfer.model.digests import Digest
    from omero_rocrate_transfer.model.refs import ObjectRef

Entity = dict[str, object]

ACQUISITION_ID: Final = "#acquisition-1"
#: Whoever runs the source server.
OPERATOR_ID: Final = "#operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """A file as it lies in the crate."""

    #: Name in the crate.
    name: str
    size_bytes: int
    #: By algorithm, SHA256 among them.
    digests: Mapping[str, Digest]


def reference(identifier: str) -> Entity:
    """Return the JSON-LD reference to an entity."""
    return {"@id": identifier}


def references(identifiers: Iterable[str]) -> Entity | list[Entity]:
    """Return one reference as itself and several as a list, as compacted JSON-LD has it."""
    found = [reference(identifier) for identifier in identifiers]
    return found[0] if len(found) == 1 else found


def object_id(ref: ObjectRef) -> str:
    """Return the ``@id`` of an OMERO object, like ``#dataset-11``."""
    return f"#{ref.type.lower()}-{ref.id}"


def person_id(number: int) -> str:
    """Return the ``@id`` of an Experimenter."""
    return f"#user-{number}"


def group_id(number: int) -> str:
    """Return the ``@id`` of an ExperimenterGroup."""
    return f"#group-{number}"


def describe_file(packed: PackedFile, *, name: str, description: str, media_type: str) -> Entity:
    """Return what every file of a crate has."""
    digests = {DIGEST_TERMS[key]: digest.hex for key, digest in packed.digests.items() if key in DIGEST_TERMS}
    return {
        "@id": packed.name,
        "@type": "File",
        "name": name,
        "description": description,
        "encodingFormat": media_type,
        "contentSize": str(packed.size_bytes),
        **digests,
    }


def describe_original(unit: TransferUnit, index: int, file: OriginalFile, packed: PackedFile) -> Entity:
    """Return the entity of one original file of a fileset."""
    place, role = "", ""
    kind = "Attached file" if unit.ref.type == "Annotation" else "Original file"
    if len(unit.files) > 1:
        place = f" {index + 1} of {len(unit.files)}"
        role = " (file given to the importer)" if index == 0 else ""
    return {
        **describe_file(
            packed,
            name=file.name,
            description=f"{kind}{place} of OMERO {unit.ref.type} {unit.ref.id}{role}",
            media_type=guess_media_type(file.name, file.media_type),
        ),
        "alternateName": file.path,
    }


def describe_document(packed: PackedFile, about: str) -> Entity:
    """Return the entity of an OME-XML sidecar."""
    return {
        **describe_file(
            packed,
            name=packed.name,
            description=f"OME-XML metadata of {about}",
            media_type=OME_XML,
        ),
        "conformsTo": reference(OME_XML_PAGE),
    }


def describe_fileset(unit: TransferUnit, host: str, names: list[str]) -> Entity:
    """Return the Collection of a fileset of several files (Process Run Crate, "multi-file objects")."""
    return {
        "@id": object_id(unit.ref),
        "@type": ["Collection", "RepositoryObject"],
        "name": f"OMERO {unit.ref.type} {unit.ref.id}",
        "description": "Files that are imported together; alternateName is the path of each among them",
        "identifier": unit.ref.lsid(host),
        "mainEntity": reference(names[0]),
        "hasPart": references(names),
    }


def describe_image(
    image: ImageRecord, host: str, *, content: Sequence[str], document: str, acquired: bool, is_root: bool
) -> Entity:
    """Return the entity of an image.

    Parameters
    ----------
    content
        ``@id`` of the file or fileset it is in, and of the OME-Zarr, one of them or both.
    document
        Name of the sidecar that describes it.
    acquired
        Whether the crate says how its images were made.
    is_root
        Whether it was asked for itself.
    """
    return {
        "@id": object_id(image.ref),
        # every ImageObject is a CreativeWork; what an action takes must say so (Process Run Crate)
        "@type": ["RepositoryObject", "ImageObject", *(["CreativeWork"] if is_root else [])],
        **_describe_object(image, host, is_root=is_root),
        "hasFile": references(content),
        "position": image.series,
        "subjectOf": reference(document),
        **({"resultOf": reference(ACQUISITION_ID)} if acquired else {}),
    }


def describe_container(container: Container, host: str, *, is_root: bool) -> Entity:
    """Return the entity of a Project, Dataset, Screen or Plate."""
    member_ids = [object_id(member) for member in container.members]
    return {
        "@id": object_id(container.ref),
        "@type": ["RepositoryCollection", "CreativeWork"],
        **_describe_object(container, host, is_root=is_root),
        **({"hasMember": references(member_ids)} if member_ids else {}),
    }


def _describe_object(thing: ImageRecord | Container, host: str, *, is_root: bool) -> Entity:
    """Return what images and containers have in common; what OMERO does not know is left out."""
    found: Entity = {
        "name": thing.name,
        "additionalType": f"{OME}#{thing.ref.type}",
        "identifier": thing.ref.lsid(host),
    }
    if thing.description is not None:
        found["description"] = thing.description
    if thing.created is not None:
        found["dateCreated"] = thing.created
    if thing.owner is not None:
        found["creator"] = reference(person_id(thing.owner))
    if thing.group is not None:
        found["audience"] = reference(group_id(thing.group))
    if is_root:
        found["isPartOf"] = reference("#omero")
    return found


def describe_people(people: Iterable[Person], host: str) -> Iterator[Entity]:
    """Yield Experimenters and their institutions.

    An author should have an affiliation that is an Organization with a URL (RO-Crate 1.1, "Contextual
    entities"). OMERO knows neither: who names no institution belongs to whoever runs the server, and the
    server's is the only URL there is.
    """
    organizations: dict[str | None, str] = {}
    for person in people:
        if person.institution not in organizations:
            identifier = f"#institution-{len(organizations) + 1}" if person.institution else OPERATOR_ID
            organizations[person.institution] = identifier
            yield {
                "@id": identifier,
                "@type": "Organization",
                "name": person.institution or host,
                "description": "Institution of users of the source server, whose URL this is",
                "url": f"https://{host}/",
            }
        yield _describe_person(person, host, organizations[person.institution])


def _describe_person(person: Person, host: str, affiliation: str) -> Entity:
    full = f"{person.first_name} {person.last_name}".strip() or person.login
    return {
        "@id": person_id(person.id),
        "@type": "Person",
        "name": full,
        "givenName": person.first_name,
        "familyName": person.last_name,
        "alternateName": person.login,
        "description": f"OMERO user {person.login} (Experimenter {person.id})",
        "identifier": f"urn:lsid:{host}:Experimenter:{person.id}",
        "affiliation": reference(affiliation),
        **({"email": person.email} if person.email is not None else {}),
    }


def describe_group(group: Group, host: str) -> Entity:
    """Return the entity of an ExperimenterGroup: an audience, for it is no legal body."""
    level = PERMISSIONS.get(group.permissions, group.permissions)
    return {
        "@id": group_id(group.id),
        "@type": "Audience",
        "name": group.name,
        "description": f"OMERO group {group.name} (ExperimenterGroup {group.id})",
        "audienceType": f"OMERO group, {level}",
        "identifier": f"urn:lsid:{host}:ExperimenterGroup:{group.id}",
    }
