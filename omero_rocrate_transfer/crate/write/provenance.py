"""JSON-LD entities of the crate itself: root, descriptor, who made it, with what, under which terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omero_rocrate_transfer.crate import profile, vocabulary
from omero_rocrate_transfer.crate.entities import (
    ACQUISITION_ID,
    Entity,
    object_id,
    person_id,
    reference,
    references,
)
from omero_rocrate_transfer.model.facts import CC0, CC_BY, NOT_EVALUATED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omero_rocrate_transfer.model.contents import Container, Contents, ImageRecord, SourceInfo
    from omero_rocrate_transfer.model.facts import CrateFacts
    from omero_rocrate_transfer.model.refs import ObjectRef

_LICENSES = {
    CC_BY: ("Creative Commons Attribution 4.0 International", "Free to share and adapt with attribution"),
    CC0: ("Creative Commons Zero 1.0 Universal", "Dedicated to the public domain"),
    NOT_EVALUATED: (
        "Copyright Not Evaluated",
        "Whether and how the data may be used was not evaluated; ask who published them",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRun:
    """The run that makes the crate."""

    #: The command as it was typed, without secrets.
    command: str
    #: ISO 8601 with offset, whole seconds.
    started: str
    ended: str
    #: Experimenter who runs it, one of `Contents.people`; None where that is unknown.
    agent: int | None
    crate_version: profile.CrateVersion


def describe_root(contents: Contents, facts: CrateFacts, run: PackRun) -> Entity:
    """Return the root data entity without ``mentions`` and ``hasPart``, which the writer adds."""
    roots = contents.roots
    owners = _find_owners(contents) or ([run.agent] if run.agent is not None else [])
    found: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": facts.name or _name_roots(contents),
        "description": facts.description or _sum_up(contents),
        "datePublished": run.ended,
        "license": reference(facts.license),
        "publisher": reference(_publisher_id(facts)),
        "conformsTo": references(_conforms_to(run.crate_version)),
        "keywords": "OMERO, microscopy",
    }
    if owners:
        found["author"] = references(map(person_id, owners))
    if len(roots) == 1:
        found["identifier"] = roots[0].lsid(contents.source.host)
    if roots:
        found["mainEntity"] = references(map(object_id, roots))
    if facts.organism or facts.modality:
        found["resultOf"] = reference(ACQUISITION_ID)
    return found


def describe_descriptor(version: profile.CrateVersion) -> Entity:
    """Return the metadata descriptor."""
    return {
        "@id": vocabulary.METADATA,
        "@type": "CreativeWork",
        "conformsTo": reference(f"{vocabulary.ROCRATE}{version}"),
        "about": reference("./"),
    }


def describe_run(contents: Contents, facts: CrateFacts, run: PackRun) -> list[Entity]:
    """Return source, tool, action, publisher, licence, profiles and the OME-XML standard."""
    return [
        _describe_source(contents.source),
        _describe_publisher(facts, contents.source),
        _describe_license(facts.license),
        _describe_tool(),
        _describe_action(contents.roots, run),
        *_describe_profiles(run.crate_version),
        {
            "@id": vocabulary.OME_XML,
            "@type": ["CreativeWork", "Standard"],
            "name": "OME-XML 2016-06",
            "description": "OME Data Model XML schema, June 2016",
        },
    ]


def _find_owners(contents: Contents) -> list[int]:
    """Return the owners of the roots that are known, each once."""
    wanted = set(contents.roots)
    known = {person.id for person in contents.people}
    owners = (thing.owner for thing in _iter_things(contents) if thing.ref in wanted)
    return list(dict.fromkeys(owner for owner in owners if owner is not None and owner in known))


def _iter_things(contents: Contents) -> Iterator[Container | ImageRecord]:
    yield from contents.containers
    yield from contents.iter_images()


def _name_roots(contents: Contents) -> str:
    roots = contents.roots
    name = next((thing.name for thing in _iter_things(contents) if roots and thing.ref == roots[0]), "")
    name = name.strip() or f"Images of {contents.source.host}"
    return name if len(roots) < 2 else f"{name} and {len(roots) - 1} more"


def _sum_up(contents: Contents) -> str:
    roots = contents.roots
    shown = ", ".join(f"{root.type} {root.id}" for root in roots[:5])
    more = f" and {len(roots) - 5} more" if len(roots) > 5 else ""
    images = sum(len(unit.images) for unit in contents.units)
    plural = "" if images == 1 else "s"
    packed = f"packed from {contents.source.host} by omero transfer pack"
    return f"OMERO {shown}{more} with {images} image{plural}, {packed}"


def _conforms_to(version: profile.CrateVersion) -> list[str]:
    # Process Run Crate 0.5 extends RO-Crate 1.1, and is invalid with any other version
    return [profile.PROFILE_URI, *([vocabulary.PROCESS_RUN] if version == "1.1" else [])]


def _describe_profiles(version: profile.CrateVersion) -> list[Entity]:
    kind: object = "CreativeWork" if version == "1.1" else ["CreativeWork", "Profile"]
    own: Entity = {
        "@id": profile.PROFILE_URI,
        "@type": kind,
        "name": profile.PROFILE_NAME,
        "description": "Layout of crates that omero transfer unpack reads",
        "version": profile.PROFILE_VERSION,
    }
    process: Entity = {
        "@id": vocabulary.PROCESS_RUN,
        "@type": kind,
        "name": "Process Run Crate",
        "description": "Provenance profile of RO-Crate",
        "version": "0.5",
    }
    return [own, process] if version == "1.1" else [own]


def _describe_source(source: SourceInfo) -> Entity:
    return {
        "@id": "#omero",
        "@type": "DataCatalog",
        "name": source.host,
        "description": f"Source OMERO.server {source.version}",
        "url": f"https://{source.host}/",
        "version": source.version,
        "identifier": f"urn:uuid:{source.database_uuid}",
    }


def _publisher_id(facts: CrateFacts) -> str:
    given = facts.publisher
    return given if given and given.startswith(("https://", "http://")) else "#publisher"


def _describe_publisher(facts: CrateFacts, source: SourceInfo) -> Entity:
    identifier = _publisher_id(facts)
    return {
        "@id": identifier,
        "@type": "Organization",
        "name": facts.publisher or source.host,
        "description": "Publishes this crate",
        "url": identifier if identifier != "#publisher" else f"https://{source.host}/",
    }


def _describe_license(url: str) -> Entity:
    name, description = _LICENSES.get(url, (url, "The terms under which the data may be used"))
    return {"@id": url, "@type": "CreativeWork", "name": name, "description": description, "identifier": url}


def _describe_tool() -> Entity:
    return {
        "@id": profile.PROJECT_URL,
        "@type": "SoftwareApplication",
        "name": profile.TOOL_NAME,
        "description": "OMERO CLI plugin that wrote this crate",
        "version": profile.TOOL_VERSION,
        "url": profile.PROJECT_URL,
    }


def _describe_action(roots: Sequence[ObjectRef], run: PackRun) -> Entity:
    return {
        "@id": "#pack-1",
        "@type": "CreateAction",
        "name": "omero transfer pack",
        "description": run.command,
        "startTime": run.started,
        "endTime": run.ended,
        "instrument": reference(profile.PROJECT_URL),
        **({"agent": reference(person_id(run.agent))} if run.agent is not None else {}),
        **({"object": references(map(object_id, roots))} if roots else {}),
        "result": reference("./"),
        "actionStatus": vocabulary.COMPLETED,
    }
