"""What a server holds as a graph without ids: the same worlds have the same graphs.

Read straight from the store of a sandbox, never through the transfer. What two servers may rightly differ in
is named here, and nowhere else:

* ids, versions, groups, events and with them the times of creation and change;
* owners, unless the transfer restores them; then those of parts count for nothing but `OWNED`;
* enumerations' ids (their values count), users, sessions, jobs, thumbnails, folders and logs of imports;
* where files lie: the prefix of the fileset and paths of the client, but not names and paths below them;
* digests of files and pixels as the database has them: the bytes are read instead;
* marks and provenance that the transfer leaves on what it makes;
* minima and maxima of channels, which servers find out themselves;
* objects that are a part of one other object (`PARTS`) are compared with it: one settings object for two
  channels is as good as one for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from omero_sandbox.db.schema import resolve
from omero_sandbox.db.schema.schema import Field, schema
from omero_sandbox.db.store import Quantity, Row, Store

#: Root type and id.
Key = tuple[str, int]

PARTS = frozenset(
    (
        *("LogicalChannel", "StageLabel", "ImagingEnvironment", "ObjectiveSettings", "DetectorSettings"),
        *("LightSettings", "LightPath", "Microscope", "TransmittanceRange", "AffineTransform", "QuantumDef"),
    )
)
#: Classes whose owners a transfer restores; what is not here belongs to the owner of what it is a part of.
OWNED = frozenset(
    (
        *("Project", "Dataset", "Screen", "Plate", "Fileset", "Image", "Annotation", "Roi", "Folder"),
        *("ProjectDatasetLink", "DatasetImageLink", "ScreenPlateLink", "FolderImageLink", "FolderRoiLink"),
    )
)
#: Left out, or compared with the LightPath that they belong to.
_OUTSIDE = frozenset(
    (
        "Job",
        "LightPathExcitationFilterLink",
        "LightPathEmissionFilterLink",
        "Thumbnail",
        "StatsInfo",
        "FilesetJobLink",
        "JobOriginalFileLink",
        "ExternalInfo",
        "PixelsOriginalFileMap",
    )
)
_IGNORED = frozenset(
    (
        ("Pixels", "sha1"),
        ("Fileset", "templatePrefix"),
        ("FilesetEntry", "clientPath"),
        *(("OriginalFile", name) for name in ("path", "repo", "hash", "hasher", "atime", "mtime", "ctime")),
    )
)
_OF_THE_SERVER = frozenset(("Directory", "Repository", "application/omero-log-file"))
#: The transfer marks what it makes, to go on after it was broken off.
_MARK = "omero-rocrate-transfer/"
_PROVENANCE = "openmicroscopy.org/cli/transfer"
_EXTERNAL = ("entityId", "entityType", "lsid", "uuid")
_LINKED_FILTERS = ("excitationFilterLink", "emissionFilterLink")
#: Reads bytes that count: of a file or of the planes of an image.
Digest = Callable[[Row], str]


@dataclass
class Node:
    """One object.

    Attributes
    ----------
    row : Row
    values : dict of str to object
        Without nulls; those of its parts below the name of the reference, ``stageLabel.name``.
    edges : list of (str, Key)
        References to other objects; the label of an ordered one says its place.
    """

    row: Row
    values: dict[str, Any] = field(default_factory=dict)
    edges: list[tuple[str, Key]] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """Identity on its server."""
        return key_of(self.row)

    def __str__(self) -> str:
        hint = next((self.values[name] for name in ("name", "textValue", "ns") if name in self.values), "")
        return f"{self.row.type}:{self.row.id} {str(hint)[:40]!r}".removesuffix(" ''")


Graph = dict[Key, Node]


def key_of(row: Row) -> Key:
    """Return the identity of a row on its server."""
    return row.model.root, row.id


def read_graph(store: Store, digest: Digest, *, owners: bool = False) -> Graph:
    """Read all that users own on a server.

    Parameters
    ----------
    store : Store
    digest : callable
        Takes the row of an OriginalFile or of Pixels and reads the digest of its bytes.
    owners : bool
        Whether objects are the same only if they belong to people of the same login.
    """
    reader = _Reader(store, digest, owners=owners)
    rows = [row for each in _types() for row in store.rows(each) if reader.counts(row)]
    graph = {node.key: node for row in rows for node in reader.nodes(row)}
    graph = {key: node for key, node in graph.items() if not _tells_provenance(node, graph)}
    for node in graph.values():
        node.edges = [
            (label, reader.hosts.get(target, target))
            for label, target in node.edges
            if target in graph or target in reader.hosts
        ]
    return graph


def _tells_provenance(node: Node, graph: Graph) -> bool:
    """Tell whether it is an annotation with the provenance of an object, or a link to one."""
    ends = [graph.get(key) for label, key in node.edges if label == "child"]
    return any(one is not None and one.values.get("ns") == _PROVENANCE for one in (node, *ends))


def _types() -> Iterator[str]:
    for each in schema():
        whole = each.base is None and not each.is_global and not each.is_enum
        if whole and each.name not in PARTS | _OUTSIDE:
            yield each.name


class _Reader:
    def __init__(self, store: Store, digest: Digest, *, owners: bool) -> None:
        self._store = store
        self._owners = owners
        self._digest = digest
        #: What the parts belong to.
        self.hosts: dict[Key, Key] = {}

    def counts(self, row: Row) -> bool:
        return row.type != "OriginalFile" or row.get("mimetype") not in _OF_THE_SERVER

    def nodes(self, row: Row) -> Iterator[Node]:
        """Yield an object, and its external identifier if it has one."""
        node = self._node(row)
        yield node
        info = self._store.get("ExternalInfo", row.external_info or 0)
        if info is not None and not info.values["entityType"].startswith(_MARK):
            node.edges.append(("externalInfo", key_of(info)))
            yield Node(info, {name: info.get(name) for name in _EXTERNAL})

    def _node(self, row: Row) -> Node:
        node = Node(row)
        self._fill(node, row, "")
        if row.type in {"OriginalFile", "Pixels"}:
            node.values["bytes"] = self._digest(row)
        if row.type == "OriginalFile" and self._store.referrers("FilesetEntry", "originalFile", row.id):
            node.values["path"] = self._path(row)
        if row.type == "MicrobeamManipulation":
            for settings in self._store.children(row, "lightSourceSettings"):
                self._add_light(node, settings)
        if row.type == "RenderingDef":
            node.values["of"] = self._user(row)
        if self._owners and (row.model.root in OWNED or row.type.endswith("AnnotationLink")):
            node.values["owner"] = self._login(row.owner)
        return node

    def _fill(self, node: Node, row: Row, prefix: str) -> None:
        for one in row.model.fields.values():
            value = row.values.get(one.name)
            if value is None or (row.type, one.name) in _IGNORED:
                continue
            if one.kind == "one":
                self._refer(node, row, one, prefix)
            elif (plain := _canonical(value)) is not None:
                node.values[prefix + one.name] = plain

    def _refer(self, node: Node, row: Row, one: Field, prefix: str) -> None:
        target_type, number = resolve(str(one.target)), row.values[one.name]
        label = prefix + one.name
        if target_type.is_enum:
            found = self._store.get(target_type.name, number)
            node.values[label] = found.values["value"] if found else f"missing {number}"
        elif target_type.name in PARTS and not row.model.is_link:
            part = self._store.get(target_type.name, number)
            if part is not None:
                self._add_part(node, part, label)
        else:
            node.edges.append((f"{label}{self._place(row, one)}", (target_type.root, number)))

    def _add_part(self, node: Node, part: Row, label: str) -> None:
        node.values[label] = "present"
        self.hosts[key_of(part)] = node.key
        self._fill(node, part, f"{label}.")
        if part.type == "LightPath":
            for name in _LINKED_FILTERS:
                ordered = part.model.fields[name].ordered
                for place, link in enumerate(self._store.children(part, name)):
                    at = f"[{place}]" if ordered else ""
                    node.edges.append((f"{label}.{name}{at}", ("Filter", link.values["child"])))

    def _add_light(self, node: Node, settings: Row) -> None:
        """Add settings of light that no channel has; those of a channel are compared with it."""
        if self._store.referrers("LogicalChannel", "lightSourceSettings", settings.id):
            return
        own = [_canonical(settings.get(name)) for name in ("attenuation", "wavelength")]
        node.edges.append((f"light {own}", ("LightSource", settings.values["lightSource"])))

    def _place(self, row: Row, one: Field) -> str:
        """Return the place in a list."""
        if not one.ordered:
            return ""
        siblings = self._store.referrers(row.model.root, one.name, row.values[one.name])
        siblings.sort(key=lambda each: (each.values.get(one.index, 0), each.id))
        return f"[{siblings.index(row)}]"

    def _path(self, file: Row) -> str:
        """Return the path of an imported file below its fileset."""
        entry = self._store.referrers("FilesetEntry", "originalFile", file.id)[0]
        fileset = self._store.get("Fileset", entry.values["fileset"])
        prefix = fileset.values["templatePrefix"] if fileset else ""
        path = str(file.values["path"])
        return path[path.find(prefix) + len(prefix) :].strip("/")

    def _user(self, settings: Row) -> str:
        """Return whose rendering settings these are: those of the image's owner have no name."""
        pixels = self._store.get("Pixels", settings.values["pixels"])
        image = self._store.get("Image", pixels.values["image"]) if pixels else None
        if image is not None and image.owner == settings.owner:
            return "the owner"
        return self._login(settings.owner)

    def _login(self, number: int | None) -> str:
        user = self._store.get("Experimenter", number or 0)
        return str(user.values["omeName"]) if user else "nobody"


def _canonical(value: Any) -> Any:
    """Return a value so that equal ones compare equal, not-a-number too.

    Empty maps and bytes are none: neither the database nor Ice tells them apart.
    """
    if isinstance(value, Quantity):
        return repr(float(value.value)), value.unit
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return tuple(map(tuple, value)) or None
    if isinstance(value, bytes):
        return value or None
    return value
