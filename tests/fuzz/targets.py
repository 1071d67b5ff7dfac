"""Every parser of outside input, by name: takes bytes, and may raise nothing but `TransferError`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omero_rocrate_transfer.crate import names
from omero_rocrate_transfer.crate.archives import open_archive
from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, ArchiveReader
from omero_rocrate_transfer.crate.extras_json import extract_document, parse_extras
from omero_rocrate_transfer.crate.foreign.contents import make_contents
from omero_rocrate_transfer.crate.foreign.documents import Documents
from omero_rocrate_transfer.crate.foreign.rocrate import RoCrateSource
from omero_rocrate_transfer.crate.foreign.transfer_xml import parse_transfer_xml
from omero_rocrate_transfer.crate.manifest import MAX_LINE_BYTES, parse_manifest
from omero_rocrate_transfer.crate.ome_zarr.plane_digests import parse_planes
from omero_rocrate_transfer.crate.ome_zarr.reader import OmeZarr
from omero_rocrate_transfer.crate.omexml import parse_document
from omero_rocrate_transfer.crate.read.metadata import read_index
from omero_rocrate_transfer.crate.read.strict_json import iter_lines, parse_json
from omero_rocrate_transfer.model.errors import TransferError
from omero_rocrate_transfer.model.refs import parse_objects
from omero_rocrate_transfer.transfer.journal.file import parse_journal
from omero_rocrate_transfer.transfer.journal.file import render_line as render_record
from omero_rocrate_transfer.transfer.journal.id_map import read_idmap
from omero_rocrate_transfer.transfer.verify.subset import Subset
from tests.crate.foreign import packs
from tests.crate.valid import valid_files
from tests.crate.worlds import HOST, pack_world

METADATA = "ro-crate-metadata.json"
MANIFEST = "manifest-sha256.txt"


class MemoryArchive:
    """An archive in memory; implements `ArchiveReader`."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.sizes = {name: len(data) for name, data in files.items()}
        self.passed_over: dict[str, str] = {}

    def iter_blocks(self, name: str) -> Iterator[bytes]:
        yield self._files[name]

    def read(self, name: str, start: int, stop: int) -> bytes:
        return self._files[name][start:stop]

    def checksum(self, name: str) -> None:
        pass

    def close(self) -> None:
        pass


class MemoryMembers:
    """The files of an OME-Zarr in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def names(self, prefix: str = "") -> Iterable[str]:
        return [name for name in self._files if name.startswith(prefix)]

    def size(self, name: str) -> int | None:
        return len(self._files[name]) if name in self._files else None

    def read(self, name: str, start: int, stop: int) -> bytes:
        return self._files[name][start:stop]


@dataclass(frozen=True)
class Target:
    """A parser, and what it takes when nothing is wrong."""

    parse: Callable[[bytes], object]
    seed: Callable[[], bytes]

    def try_once(self, data: bytes) -> bool:
        """Return whether the data was taken; anything but our own errors goes through."""
        try:
            self.parse(data)
        except TransferError:
            return False
        return True

    def try_once_quietly(self, data: bytes) -> None:
        """Try once for a fuzzer, which takes no answer."""
        self.try_once(data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _read_metadata(data: bytes) -> object:
    files = {name: content for name, content in valid_files().items() if name != METADATA}
    # without the digest of the metadata, so that what they say is looked at
    lines = files[MANIFEST].splitlines(keepends=True)
    files[MANIFEST] = b"".join(line for line in lines if METADATA.encode() not in line)
    archive: ArchiveReader = MemoryArchive({**files, METADATA: data})
    return read_index(archive, DEFAULT_LIMITS)


def _read_crate_of_others(data: bytes) -> object:
    return RoCrateSource(MemoryArchive({METADATA: data, "a b.tif": b"x"}), DEFAULT_LIMITS).read_contents(())


def _read_pack(data: bytes) -> object:
    pack = parse_transfer_xml(data, "transfer.xml")
    contents = make_contents(pack, MemoryArchive(packs.payload()), "transfer.xml")
    documents = Documents(pack.document, contents.source.host)
    documents.of_containers()
    return [
        documents.of_unit(unit) if unit.images else documents.of_attachment(unit) for unit in contents.units
    ]


def _read_document(data: bytes) -> object:
    return extract_document(parse_document(data, "x.ome.xml"))


def _read_zarr(data: bytes) -> object:
    try:
        group = json.loads(data)
        version = group.get("zarr_format", 3)
    except (ValueError, AttributeError, RecursionError):
        version = 3
    names_ = {"zarr.json": data} if version != 2 else {".zgroup": b'{"zarr_format": 2}', ".zattrs": data}
    return OmeZarr(MemoryMembers(names_), "x.ome.zarr").read_contents()


def _read_archive(suffix: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"crate{suffix}"
            path.write_bytes(data)
            archive = open_archive(path, foreign=True)
            try:
                return {name: sum(map(len, archive.iter_blocks(name))) for name in archive.sizes}
            finally:
                archive.close()

    return read


def _read_idmap(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.idmap.json"
        path.write_bytes(data)
        return read_idmap(path)


@cache
def _packed(suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"crate{suffix}"
        pack_world(path)
        return path.read_bytes()


def _file(name: str) -> Callable[[], bytes]:
    return lambda: valid_files()[name]


def _json(value: object) -> Callable[[], bytes]:
    return lambda: json.dumps(value).encode()


_ZARR = {
    "zarr_format": 3,
    "node_type": "group",
    "attributes": {
        "ome": {
            "version": "0.5",
            "multiscales": [
                {
                    "axes": [
                        {"name": "y", "type": "space"},
                        {"name": "x", "type": "space", "unit": "micrometer"},
                    ],
                    "datasets": [
                        {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1.0, 0.5]}]}
                    ],
                }
            ],
            "omero": {"id": 5, "channels": [{"color": "FF0000"}]},
        }
    },
}
_OTHERS = {
    "@context": "https://w3id.org/ro/crate/1.1/context",
    "@graph": [
        {"@id": "./", "@type": "Dataset", "hasPart": [{"@id": "a%20b.tif"}]},
        {"@id": METADATA, "about": {"@id": "./"}, "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}},
        {"@id": "a%20b.tif", "@type": "File", "name": "A", "encodingFormat": ["image/tiff", {"@id": "#x"}]},
    ],
}
_EXTRAS = {
    "complete": True,
    "annotations": {"links": [{"parent": f"urn:lsid:{HOST}:Image:1", "child": "x", "owner": "ada"}]},
    "fields": {"x": {"a.b": [1.5, "MICROMETER"]}},
}
_PLANES = {
    "algorithm": "plane-sha256",
    "images": [{"id": f"urn:lsid:{HOST}:Image:1", "path": "", "sizes": [1, 1, 1], "planes": ["0" * 64]}],
}
_IDMAP = {
    "source": {"host": "a", "database": "b"},
    "target": {"host": "c", "database": "d"},
    "objects": [{"source": "Image:1", "target": "Image:7"}],
    "complete": True,
}

TARGETS: dict[str, Target] = {
    "name": Target(lambda data: names.parse_path(_text(data)), "a/größe 1.tif".encode),
    "original path": Target(lambda data: names.parse_relative_path(_text(data)), lambda: b"pos1/a:b.tif"),
    "object": Target(lambda data: parse_objects([_text(data)]), lambda: b"Image:1,2,5-9"),
    "subset": Target(lambda data: Subset.parse(_text(data)), lambda: b"2/10"),
    "JSON": Target(lambda data: parse_json(data, "x.json"), _file(METADATA)),
    "manifest": Target(
        lambda data: parse_manifest(iter_lines([data], MANIFEST, MAX_LINE_BYTES)), _file(MANIFEST)
    ),
    "metadata": Target(_read_metadata, _file(METADATA)),
    "metadata of others": Target(_read_crate_of_others, _json(_OTHERS)),
    "OME-XML": Target(_read_document, _file("fs101.ome.xml")),
    "transfer.xml": Target(_read_pack, packs.current_xml),
    "old transfer.xml": Target(_read_pack, packs.legacy_xml),
    "extras": Target(lambda data: parse_extras(_text(data)), _json(_EXTRAS)),
    "OME-Zarr": Target(_read_zarr, _json(_ZARR)),
    "planes": Target(lambda data: parse_planes(data, "x.planes.json"), _json(_PLANES)),
    "id map": Target(_read_idmap, _json(_IDMAP)),
    "journal": Target(
        parse_journal, lambda: b"".join(render_record(n, {"type": "unit", "n": n}) for n in range(3))
    ),
    "zip": Target(_read_archive(".zip"), lambda: _packed(".zip")),
    "tar": Target(_read_archive(".tar"), lambda: _packed(".tar")),
}
