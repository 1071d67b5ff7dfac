"""The OME document of the containers, and what all documents have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ome_types import OME, model

from omero_rocrate_transfer import __version__
from omero_rocrate_transfer.model.contents import Contents, Group, Person
from omero_rocrate_transfer.model.refs import ObjectRef


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
            fields["experimenter_ref"] = owner_ref(one.owner, host)
        refs = [member.lsid(host) for member in one.members]
        match one.ref.type:
            case "Project":
                made: Any = model.Project(**fields, dataset_refs=[model.DatasetRef(id=ref) for ref in refs])
            case "Dataset":
                made = model.Dataset(**fields, image_refs=[model.ImageRef(id=ref) for ref in refs])
            case _:
                # a reference to a plate must not leave the document: it is in that of the plate
                made = model.Screen(**fields)
        by_type[one.ref.type].append(made)
    document = OME(
        creator=creator(),
        experimenters=experimenters(owners, owners, host),
        experimenter_groups=[_group(group, host) for group in contents.groups],
    )
    # Added afterwards: ome-types warns of every reference to an image, which is in another document.
    document.projects.extend(by_type["Project"])
    document.datasets.extend(by_type["Dataset"])
    document.screens.extend(by_type["Screen"])
    return document


def creator() -> str:
    """Return what made the document."""
    return f"omero-rocrate-transfer {__version__}"


def _set(**values: Any) -> dict[str, Any]:
    """Leave out what is not set: OME-XML knows no nulls."""
    return {name: value for name, value in values.items() if value is not None}


def _owners(contents: Contents) -> dict[int | None, Person]:
    return {person.id: person for person in contents.people}


def owner_ref(owner: int | None, host: str) -> model.ExperimenterRef:
    """Return a reference to a user of the source."""
    return model.ExperimenterRef(id=f"urn:lsid:{host}:Experimenter:{owner}")


def experimenters(
    owners: Mapping[int | None, Person], ids: Iterable[int | None], host: str
) -> list[model.Experimenter]:
    """Return the elements of those users that are known, each once."""
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
