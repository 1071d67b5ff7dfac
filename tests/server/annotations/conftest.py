"""Two servers, and annotations made on the first as a user's client would make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import omero.model as om
import pytest
from omero.rtypes import rstring

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.contents import Contents, Omission
from omero_rocrate_transfer.model.refs import ObjectRef, parse_objects
from omero_rocrate_transfer.server.read.source import ServerSource
from omero_rocrate_transfer.server.session.connection import Connection
from omero_rocrate_transfer.server.write.sink import ServerSink
from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import world as demo_world
from omero_sandbox.testing.seed import Imported, import_fileset, link, reference, save

FAKE = "a&sizeX=16&sizeY=8&sizeC=2.fake"
PLATE = "p&plates=1&plateRows=1&plateCols=2&fields=1&plateAcqs=1&sizeX=16&sizeY=8.fake"
WITH_PLATES = {"omero.policy.binary_access": "+read,+write,+image,+plate"}


def new(client: Any, kind: str, **fields: Any) -> Any:
    """Save an annotation; return a reference to it."""
    made = getattr(om, f"{kind}I")()
    for name, value in fields.items():
        setattr(made, name, value)
    return reference(kind, save(client, made).id.val)


def annotate(client: Any, parent: Any, kind: str, **fields: Any) -> Any:
    """Link a new annotation to an object; return a reference to it."""
    made = new(client, kind, **fields)
    link(client, parent, made)
    return made


@dataclass
class Two:
    """A source and a target, a user on each, and what became of what."""

    source: Connection
    target: Connection
    servers: list[SandboxServer]
    folder: Path
    made: dict[ObjectRef, ObjectRef] = field(default_factory=dict)
    omissions: list[Omission] = field(default_factory=list)

    def image(self, name: str = FAKE, data: bytes = b"") -> Imported:
        """Import a file into the source."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / name).write_bytes(data)
        return import_fileset(self.source.client, self.folder, [name])

    def copy(
        self,
        *texts: str,
        choice: AnnotationChoice | None = None,
        figures: bool = False,
        restore_figures: bool = True,
        **options: Any,
    ) -> Contents:
        """Copy what is named."""
        source = ServerSource(self.source, annotations=choice, figures=figures)
        sink = ServerSink(self.target, figures=figures and restore_figures, **options)
        contents = source.read_contents(parse_objects(texts))
        self.omissions = list(contents.omissions)
        self.made = {one.source: one.target for one in sink.begin(contents, source.read_container_document)}
        self.omissions += sink.omissions
        for unit in contents.units:
            result = sink.write_unit(source.open(unit))
            self.omissions += result.omissions
            self.made |= {one.source: one.target for one in result.mappings}
        sink.finish()
        return contents

    def links(self, word: str, *, target: bool = True) -> Counter[tuple[Any, ...]]:
        """Count the links of a class: what they lead to, and from which object (as named on the source)."""
        connection = self.target if target else self.source
        back = {made: source.id for source, made in self.made.items()} if target else {}
        hql = (
            f"select l from {word}AnnotationLink l join fetch l.parent join fetch l.child a"
            " left outer join fetch a.file"
        )
        found = connection.query.findAllByQuery(hql, None, connection.context())
        return Counter(
            (back.get(ObjectRef(word, one.parent.id.val), one.parent.id.val), content(one.child))
            for one in found
        )


def values(connection: Any, hql: str) -> list[list[Any]]:
    rows = connection.query.projection(hql, None, connection.context())
    return [[None if one is None else one.val for one in row] for row in rows]


def attach(client: Any, parent: Any, name: str, data: bytes, media_type: str, **fields: Any) -> Any:
    """Upload a file, and attach it to an object, or to nothing; return a reference to the annotation."""
    file = om.OriginalFileI()
    file.name, file.path, file.mimetype = rstring(name), rstring("/home/alice"), rstring(media_type)
    file.hasher = om.ChecksumAlgorithmI()
    file.hasher.value = rstring("SHA1-160")
    number = save(client, file).id.val
    store = client.sf.createRawFileStore()
    store.setFileId(number)
    store.write(data, 0, len(data))
    store.save()
    store.close()
    made = new(client, "FileAnnotation", file=om.OriginalFileI(number, False), **fields)
    if parent is not None:
        link(client, parent, made)
    return made


def content(annotation: Any) -> tuple[Any, ...]:
    """Return all that a user sees of an annotation."""
    kind = type(annotation).__name__.removesuffix("I")
    texts = [
        None if one is None else one.val for one in (annotation.ns, annotation.description, annotation.name)
    ]
    return kind, *texts, _value(annotation)


def _value(annotation: Any) -> Any:
    for name in ("textValue", "longValue", "doubleValue", "boolValue", "timeValue", "termValue"):
        if hasattr(annotation, name):
            value = getattr(annotation, name)
            return None if value is None else repr(value.val)
    if isinstance(annotation, om.MapAnnotation):
        return tuple((pair.name, pair.value) for pair in annotation.mapValue or ())
    if isinstance(annotation, om.FileAnnotation) and annotation.file is not None:
        file = annotation.file
        return tuple(
            None if one is None else one.val for one in (file.name, file.size, file.hash, file.mimetype)
        )
    return None


@pytest.fixture
def two(
    sandbox_factory: Callable[..., SandboxServer],
    open_connection: Callable[..., Connection],
    tmp_path: Path,
) -> Two:
    """Two servers; on each, alice works."""
    servers = [sandbox_factory(config=WITH_PLATES) for _ in range(2)]
    for server in servers:
        demo_world.add_people(open_connection(server=server).client)
    source, target = (open_connection("alice", "alice", server=server) for server in servers)
    return Two(source, target, servers, tmp_path / "input")
