"""Reads OMERO's objects from the entities of a graph: source, people, groups, containers, images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate.entities import OPERATOR_ID
from omero_rocrate_transfer.crate.read import graph as graphs
from omero_rocrate_transfer.crate.read.graph import Graph, refuse
from omero_rocrate_transfer.crate.vocabulary import PERMISSIONS
from omero_rocrate_transfer.model.contents import Container, Group, ImageRecord, Omission, Person, SourceInfo
from omero_rocrate_transfer.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.crate.entities import Entity

#: What may be linked directly into what.
_MEMBERS: Final = {"Project": "Dataset", "Dataset": "Image", "Screen": "Plate", "Plate": "Image"}
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}\Z", re.ASCII)
_UUID = re.compile(r"urn:uuid:([0-9A-Fa-f-]{36})\Z", re.ASCII)
_AUDIENCE: Final = "OMERO group, "


class ObjectsReader:
    """Reads objects of the one server that a crate comes from.

    Parameters
    ----------
    graph
        Of the crate.

    Raises
    ------
    UnsafeCrateError
        Objects of several servers are in it, or contradict each other.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        #: Every entity that describes an OMERO object, in the order of the graph.
        self._objects: dict[ObjectRef, Entity] = {}
        hosts: dict[str, None] = {}
        for entity in graph.entities.values():
            found = graphs.find_lsid(entity)
            # the root repeats the identifier of the only object that was asked for
            if found is None or "Dataset" in graphs.list_types(entity):
                continue
            host, ref = found
            hosts[host] = None
            if self._objects.setdefault(ref, entity) is not entity:
                raise refuse(f"it describes {ref} twice")
        if len(hosts) > 1:
            raise refuse(f"its objects come from several servers: {', '.join(hosts):.200}")
        self._host = next(iter(hosts), None)

    def read_source(self) -> SourceInfo:
        """Return the server that the objects come from."""
        catalog = self._graph.entities.get("#omero", {"@id": "#omero"})
        name = graphs.get_text(catalog, "name") or ""
        host = self._host or (name if _HOST.match(name) else "unknown")
        uuid = _UUID.match(graphs.get_text(catalog, "identifier") or "")
        return SourceInfo(
            host=host,
            database_uuid=uuid[1] if uuid else "",
            version=graphs.get_text(catalog, "version") or "",
            packed=graphs.get_text(self._graph.entities.get("#pack-1", {}), "endTime"),
        )

    def read_people(self) -> tuple[Person, ...]:
        """Return the Experimenters."""
        return tuple(self._read_person(ref, entity) for ref, entity in self._iter("Experimenter"))

    def read_groups(self) -> tuple[Group, ...]:
        """Return the ExperimenterGroups."""
        return tuple(_read_group(ref, entity) for ref, entity in self._iter("ExperimenterGroup"))

    def read_containers(self) -> tuple[Container, ...]:
        """Return Projects, Datasets, Screens and Plates, parents before their members."""
        found = [
            Container(
                ref=ref,
                name=_get_name(entity),
                description=graphs.get_text(entity, "description"),
                owner=self._read_link(entity, "creator", "Experimenter"),
                group=self._read_link(entity, "audience", "ExperimenterGroup"),
                created=graphs.get_text(entity, "dateCreated"),
                members=tuple(self._iter_members(ref, entity)),
            )
            for ref, entity in self._objects.items()
            if ref.type in _MEMBERS
        ]
        return tuple(sorted(found, key=lambda container: _MEMBERS[container.ref.type] == "Image"))

    def iter_images(self) -> Iterator[tuple[ImageRecord, Entity]]:
        """Yield the images with their entities."""
        for ref, entity in self._iter("Image"):
            yield (
                ImageRecord(
                    ref=ref,
                    name=_get_name(entity),
                    series=graphs.get_number(entity, "position"),
                    description=graphs.get_text(entity, "description"),
                    owner=self._read_link(entity, "creator", "Experimenter"),
                    group=self._read_link(entity, "audience", "ExperimenterGroup"),
                    created=graphs.get_text(entity, "dateCreated"),
                ),
                entity,
            )

    def read_roots(self, root: Entity) -> tuple[ObjectRef, ...]:
        """Return the objects that were asked for when the crate was packed."""
        return tuple(self._find(identifier, "./") for identifier in graphs.list_ids(root, "mainEntity"))

    def read_omissions(self) -> Iterator[Omission]:
        """Yield containers of kinds that are not known."""
        for ref, entity in self._objects.items():
            if "RepositoryCollection" in graphs.list_types(entity) and ref.type not in _MEMBERS:
                yield Omission(type=ref.type, count=1, reason="this type is not carried yet", on=ref)

    def _iter(self, kind: str) -> Iterator[tuple[ObjectRef, Entity]]:
        return ((ref, entity) for ref, entity in self._objects.items() if ref.type == kind)

    def _find(self, identifier: str, wanted_by: str) -> ObjectRef:
        found = graphs.find_lsid(self._graph.get(identifier, wanted_by))
        if found is None:
            raise refuse(f"{identifier!a:.200} is no object of OMERO")
        return found[1]

    def _iter_members(self, ref: ObjectRef, entity: Entity) -> Iterator[ObjectRef]:
        for identifier in graphs.list_ids(entity, "hasMember"):
            member = self._find(identifier, str(entity["@id"]))
            if member.type != _MEMBERS[ref.type]:
                raise refuse(f"{member} cannot be in {ref}")
            yield member

    def _read_link(self, entity: Entity, key: str, kind: str) -> int | None:
        identifier = graphs.get_id(entity, key)
        if identifier is None:
            return None
        found = graphs.find_lsid(self._graph.get(identifier, str(entity["@id"])))
        return found[1].id if found is not None and found[1].type == kind else None

    def _read_person(self, ref: ObjectRef, entity: Entity) -> Person:
        first, last = graphs.get_text(entity, "givenName"), graphs.get_text(entity, "familyName")
        if first is None or last is None:
            first, _, last = _get_name(entity).rpartition(" ")
        affiliation = graphs.get_id(entity, "affiliation")
        organization = self._graph.entities.get(affiliation or "", {"@id": "?"})
        return Person(
            id=ref.id,
            login=graphs.get_text(entity, "alternateName") or f"user-{ref.id}",
            first_name=first,
            last_name=last,
            institution=graphs.get_text(organization, "name") if affiliation != OPERATOR_ID else None,
            email=graphs.get_text(entity, "email"),
        )


def _read_group(ref: ObjectRef, entity: Entity) -> Group:
    level = (graphs.get_text(entity, "audienceType") or "").removeprefix(_AUDIENCE)
    permissions = next((key for key, name in PERMISSIONS.items() if name == level), level)
    return Group(id=ref.id, name=_get_name(entity), permissions=permissions)


def _get_name(entity: Entity) -> str:
    name = graphs.get_text(entity, "name")
    if name is None:
        raise refuse(f"{entity['@id']!a:.200} has no name")
    return name
