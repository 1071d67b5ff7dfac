"""OMERO's images and plates as OME documents, the metadata of one transfer unit each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ome_types import OME, model

from omero_rocrate_transfer import __version__
from omero_rocrate_transfer.model.contents import Contents, Group, Person, TransferUnit
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.server import plates
from omero_rocrate_transfer.server.pixels_element import pixels_element
from omero_rocrate_transfer.server.queries import Reader
from omero_rocrate_transfer.server.times import utc

_IMAGES: Final = (
    "select i from Image i left outer join fetch i.pixels p left outer join fetch p.pixelsType"
    " left outer join fetch p.dimensionOrder left outer join fetch p.channels c"
    " left outer join fetch c.logicalChannel where i.id in (:ids)"
)


def read_documents(reader: Reader, units: Sequence[TransferUnit], contents: Contents) -> list[OME]:
    """Read the documents of many units with few calls, in their order."""
    ids = [image.ref.id for unit in units for image in unit.images]
    images = {one.id.val: one for one in reader.objects(_IMAGES, ids, doing="Reading images")}
    owners = _owners(contents)
    host = contents.source.host
    plate_ids = [plate.id for unit in units for plate in unit.plates]
    all_plates = plates.read_plates(reader, plate_ids, host)
    documents = []
    for unit in units:
        records = [image for image in unit.images if image.ref.id in images]
        document = OME(
            creator=_creator(),
            experimenters=_experimenters(owners, (image.owner for image in records), host),
            images=[_image(images[one.ref.id], one.owner, owners, host) for one in records],
        )
        # Added afterwards, see `container_document`: a plate may show images of other units.
        document.plates.extend(all_plates[plate.id] for plate in unit.plates if plate.id in all_plates)
        documents.append(document)
    return documents


def container_document(contents: Contents) -> OME:
    """Return the Projects, Datasets and Screens of the contents, and what is linked into them."""
    host = contents.source.host
    by_type: dict[str, list[Any]] = {"Project": [], "Dataset": [], "Screen": []}
    owners = _owners(contents)
    for one in contents.containers:
        if one.ref.type not in by_type:
            continue
        fields = {"id": one.ref.lsid(host), "name": one.name, **_set(description=one.description)}
        if one.ref.type != "Screen" and one.owner in owners:
            fields["experimenter_ref"] = _owner_ref(one.owner, host)
        refs = [member.lsid(host) for member in one.members]
        match one.ref.type:
            case "Project":
                made: Any = model.Project(**fields, dataset_refs=[model.DatasetRef(id=ref) for ref in refs])
            case "Dataset":
                made = model.Dataset(**fields, image_refs=[model.ImageRef(id=ref) for ref in refs])
            case _:
                made = model.Screen(**fields, plate_refs=[model.Screen.PlateRef(id=ref) for ref in refs])
        by_type[one.ref.type].append(made)
    document = OME(
        creator=_creator(),
        experimenters=_experimenters(owners, owners, host),
        experimenter_groups=[_group(group, host) for group in contents.groups],
    )
    # Added afterwards: ome-types warns of every reference to an image, which is in another document.
    document.projects.extend(by_type["Project"])
    document.datasets.extend(by_type["Dataset"])
    document.screens.extend(by_type["Screen"])
    return document


def _creator() -> str:
    return f"omero-rocrate-transfer {__version__}"


def _set(**values: Any) -> dict[str, Any]:
    """Leave out what is not set: OME-XML knows no nulls."""
    return {name: value for name, value in values.items() if value is not None}


def _owners(contents: Contents) -> dict[int | None, Person]:
    return {person.id: person for person in contents.people}


def _owner_ref(owner: int | None, host: str) -> model.ExperimenterRef:
    return model.ExperimenterRef(id=f"urn:lsid:{host}:Experimenter:{owner}")


def _experimenters(
    owners: Mapping[int | None, Person], ids: Iterable[int | None], host: str
) -> list[model.Experimenter]:
    people = [owners[one] for one in dict.fromkeys(ids) if one in owners]
    return [
        model.Experimenter(
            id=ObjectRef("Experimenter", person.id).lsid(host),
            user_name=person.login,
            first_name=person.first_name,
            last_name=person.last_name,
            **_set(institution=person.institution),
        )
        for person in people
    ]


def _group(group: Group, host: str) -> model.ExperimenterGroup:
    return model.ExperimenterGroup(id=ObjectRef("ExperimenterGroup", group.id).lsid(host), name=group.name)


def _image(image: Any, owner: int | None, owners: Mapping[int | None, Person], host: str) -> model.Image:
    fields: dict[str, Any] = _set(description=_value(image.description))
    if image.acquisitionDate is not None:
        fields["acquisition_date"] = utc(image.acquisitionDate.val)
    if owner in owners:
        fields["experimenter_ref"] = _owner_ref(owner, host)
    return model.Image(
        id=ObjectRef("Image", image.id.val).lsid(host),
        name=image.name.val,
        pixels=pixels_element(image.getPrimaryPixels(), host),
        **fields,
    )


def _value(field: Any) -> Any:
    return None if field is None else field.val
