"""Which files a crate has: archive, manifest and metadata must agree before anything is opened."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate import names, vocabulary
from omero_rocrate_transfer.crate.entities import PackedFile
from omero_rocrate_transfer.crate.manifest import MAX_LINE_BYTES, parse_manifest
from omero_rocrate_transfer.crate.read import graph as graphs
from omero_rocrate_transfer.crate.read.graph import Graph, refuse
from omero_rocrate_transfer.crate.read.strict_json import (
    MAX_GROWTH,
    estimate_memory,
    iter_entities,
    iter_lines,
    parse_json,
    too_much_memory,
)
from omero_rocrate_transfer.model.digests import SHA256, Digest
from omero_rocrate_transfer.model.errors import DigestMismatchError, UnsafeCrateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omero_rocrate_transfer.crate.archives.base import ArchiveReader, Limits
    from omero_rocrate_transfer.crate.entities import Entity

_HEX: Final = {"sha256": 64, "sha1": 40, "md5": 32}
_MAX_DEPTH: Final = 64
#: Files that say of the folder they are in what it is.
_MARKS: Final = frozenset(
    [vocabulary.METADATA, vocabulary.LEGACY_METADATA, vocabulary.TRANSFER_XML, "zarr.json", ".zgroup"]
)


def find_metadata(archive: ArchiveReader) -> str:
    """Return the name of the metadata.

    Raises
    ------
    UnsafeCrateError
        There are none.
    """
    for name in (vocabulary.METADATA, vocabulary.LEGACY_METADATA):
        if name in archive.sizes:
            return name
    raise refuse(
        f"it has no {vocabulary.METADATA} at its top, so it is no RO-Crate or was never finished",
        hint=_hint_below(archive),
    )


def _hint_below(archive: ArchiveReader) -> str:
    """Return what to do with an archive that is nothing itself, but may have something in a folder."""
    for name in sorted(archive.sizes, key=lambda name: name.count("/")):
        folder, _, last = name.rpartition("/")
        if folder and last in _MARKS:
            return f"Its folder {folder!a:.200} has a {last}: unpack what it is in, and name that folder."
    for name, reason in sorted(archive.passed_over.items()):
        return f"Its member {name!a:.200} is not read: {reason}. Name what it leads to."
    return (
        f"A crate has that file, a pack of omero-cli-transfer a {vocabulary.TRANSFER_XML}, "
        "an OME-Zarr a zarr.json or .zgroup: name what has one."
    )


def read_digests(archive: ArchiveReader) -> dict[str, str]:
    """Return SHA-256 by name of all files that the crate says it has, whether or not they are there.

    Raises
    ------
    UnsafeCrateError
        There is no manifest, or it is none.
    """
    if vocabulary.MANIFEST not in archive.sizes:
        raise refuse(f"it has no {vocabulary.MANIFEST}")
    blocks = archive.iter_blocks(vocabulary.MANIFEST)
    return parse_manifest(iter_lines(blocks, vocabulary.MANIFEST, MAX_LINE_BYTES))


def read_manifest(archive: ArchiveReader) -> dict[str, str]:
    """Return SHA-256 by name of all files that the crate says it has.

    Raises
    ------
    UnsafeCrateError
        There is no manifest, a file is missing, or one is not listed.
    """
    manifest = read_digests(archive)
    for name in manifest:
        if name not in archive.sizes:
            raise refuse(f"{name!a:.200} is missing")
    unlisted = {vocabulary.MANIFEST, vocabulary.METADATA, vocabulary.LEGACY_METADATA, vocabulary.PREVIEW}
    for name in archive.sizes:
        if name not in manifest and name not in unlisted and not name.startswith(vocabulary.PREVIEW_FILES):
            raise refuse(
                f"{name!a:.200} is not listed in {vocabulary.MANIFEST}",
                hint="Remove it, or get the crate again.",
            )
    return manifest


def read_graph(archive: ArchiveReader, name: str, manifest: dict[str, str], limits: Limits) -> Graph:
    """Return the graph of the crate's metadata; no context is ever fetched.

    Raises
    ------
    UnsafeCrateError
        The metadata are no JSON-LD graph, or too large.
    DigestMismatchError
        The metadata are not those that the manifest lists.
    """
    size_bytes = archive.sizes[name]
    check_metadata_size(archive, name, limits)
    if name in manifest:
        _check_digest(archive, name, manifest[name])
    try:
        lines = iter_entities(archive.iter_blocks(name), name, limits.max_text_bytes)
        if lines is not None:
            return Graph(lines)
    except UnsafeCrateError:
        # edited by hand, perhaps: valid as a whole, but no longer one entity per line
        if size_bytes > limits.max_metadata_bytes:
            raise
    if size_bytes > limits.max_metadata_bytes:
        raise refuse(f"its metadata are longer than {limits.max_metadata_bytes} bytes")
    document = parse_json(b"".join(archive.iter_blocks(name)), name, limits.max_text_bytes)
    items = document.get("@graph") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise refuse("its metadata have no graph")
    return Graph(items)


def check_metadata_size(archive: ArchiveReader, name: str, limits: Limits) -> None:
    """Estimate what the metadata will take in memory, before anything of them is held.

    Raises
    ------
    CrateLimitError
        It is more than is allowed.
    """
    if archive.sizes[name] <= limits.max_memory_bytes // MAX_GROWTH:
        return
    needed = 0
    for block in archive.iter_blocks(name):
        needed += estimate_memory(block)
        if needed > limits.max_memory_bytes:
            raise too_much_memory(name, limits.max_memory_bytes)


def _check_digest(archive: ArchiveReader, name: str, expected: str) -> None:
    digest = hashlib.sha256()
    for block in archive.iter_blocks(name):
        digest.update(block)
    if digest.hexdigest() != expected:
        raise DigestMismatchError(
            name, expected=Digest(SHA256, expected), found=Digest(SHA256, digest.hexdigest())
        )


def list_files(
    graph: Graph, root: Entity, archive: ArchiveReader, manifest: dict[str, str]
) -> dict[str, PackedFile]:
    """Return the files that the root reaches by ``hasPart``, in that order, by name.

    Raises
    ------
    UnsafeCrateError
        A name is unsafe, a file is not in the archive or the manifest, sizes or digests contradict each
        other, or parts contain themselves.
    """
    files: dict[str, PackedFile] = {}
    for entity in _iter_parts(graph, root, (str(root["@id"]),), set()):
        name = names.parse_path(str(entity["@id"]))
        if name == vocabulary.MANIFEST:
            continue
        if name not in manifest:
            raise refuse(f"{name!a:.200} is described but not listed in {vocabulary.MANIFEST}")
        size_bytes = graphs.get_number(entity, "contentSize")
        if size_bytes != archive.sizes[name]:
            raise refuse(f"{name!a:.200} has {archive.sizes[name]} bytes, its metadata say {size_bytes}")
        digests = _read_digests(entity, manifest[name])
        files[name] = PackedFile(name=name, size_bytes=size_bytes, digests=digests)
    return files


def _iter_parts(graph: Graph, whole: Entity, path: tuple[str, ...], followed: set[str]) -> Iterator[Entity]:
    """Yield the files below an entity; folders are followed, each once."""
    for identifier in graphs.list_ids(whole, "hasPart"):
        entity = graph.get(identifier, path[-1])
        types = graphs.list_types(entity)
        if identifier in path or len(path) > _MAX_DEPTH:
            raise refuse(f"{identifier!a:.200} is a part of itself")
        if "File" in types:
            yield entity
        elif "Dataset" in types and identifier not in followed:
            followed.add(identifier)
            yield from _iter_parts(graph, entity, (*path, identifier), followed)


def _read_digests(entity: Entity, listed: str) -> dict[str, Digest]:
    digests = {SHA256: Digest(SHA256, listed)}
    for algorithm, term in vocabulary.DIGEST_TERMS.items():
        value = graphs.get_text(entity, term)
        if value is None:
            continue
        if not re.fullmatch(rf"[0-9a-f]{{{_HEX[term]}}}", value, re.ASCII):
            raise refuse(f"{entity['@id']!a:.200} has a {term} that is none")
        if digests.setdefault(algorithm, Digest(algorithm, value)).hex != value:
            raise refuse(f"{entity['@id']!a:.200} has one {term} in the metadata and another in the manifest")
    return digests
