"""What a crate may ask for is bounded, the same for those who write one and those who read one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from omero_rocrate_transfer.crate import omexml
from omero_rocrate_transfer.crate.archives.base import DEFAULT_LIMITS, check_sizes
from omero_rocrate_transfer.crate.read.strict_json import iter_entities, parse_json
from omero_rocrate_transfer.model.errors import CrateLimitError, UnsafeCrateError

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
MAX_BYTES = 300 << 20
HEAD = b'{"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": [\n'
#: Texts of 60 MB, each a head, what is repeated and a tail.
TEXTS = {
    "lists": (b"[", b"[],", b"0]"),
    "objects": (b"[", b"{},", b"0]"),
    "deep": (b"", b"[", b""),
    "pairs": (b"[", b'{"a":1},', b"0]"),
    "keys": (b"{", b'"a":1,', b'"b":1}'),
    "strings": (b"[", b'"",', b"0]"),
    "numbers": (b"[", b"1,", b"0]"),
}
_MEASURE = """
import resource, sys, time
from pathlib import Path
from omero_rocrate_transfer.crate.omexml import parse_document
from omero_rocrate_transfer.crate.read.strict_json import iter_entities, parse_json
from omero_rocrate_transfer.model.errors import UnsafeCrateError
def as_text(data): parse_json(data, "x")
def as_line(data): list(iter_entities([HEAD, data, b"\\n]}"], "x") or ())
def as_xml(data): parse_document(data, "x")
HEAD = Path(sys.argv[3]).read_bytes()
data = Path(sys.argv[2]).read_bytes()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
try:
    globals()[sys.argv[1]](data)
except UnsafeCrateError as error:
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    print(used, time.process_time() - started)
"""


def measured(folder: Path, way: str, data: bytes) -> tuple[int, float]:
    """Return memory and seconds that a process takes to refuse data."""
    (folder / "data").write_bytes(data)
    (folder / "head").write_bytes(HEAD)
    words = [sys.executable, "-c", _MEASURE, way, str(folder / "data"), str(folder / "head")]
    used, seconds = subprocess.run(words, check=True, capture_output=True).stdout.split()
    return int(used), float(seconds)


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("name", sorted(TEXTS))
@pytest.mark.parametrize("way", ["as_text", "as_line"])
def test_json_that_becomes_much_more_is_refused_before(name: str, way: str, tmp_path: Path) -> None:
    head, unit, tail = TEXTS[name]
    data = head + unit * ((60 << 20) // len(unit)) + tail

    used, seconds = measured(tmp_path, way, data)

    assert used < MAX_BYTES
    assert seconds < 5


@pytest.mark.promise("attacks")
@pytest.mark.parametrize("unit", ["<a/>", '<ROI ID="ROI:1"/>', "<!--->", "<?a?>", "&lt;"])
def test_xml_that_becomes_much_more_is_refused_before(unit: str, tmp_path: Path) -> None:
    body = unit.encode() * ((60 << 20) // len(unit))

    used, seconds = measured(tmp_path, "as_xml", f'<OME xmlns="{NAMESPACE}">'.encode() + body + b"</OME>")

    assert used < MAX_BYTES
    assert seconds < 5


def test_a_root_with_a_million_files_is_read() -> None:
    parts = b", ".join(
        b'{"@id": "fs%07d.some_ordinary_name_of_a_file.ome.tiff"}' % n for n in range(1_000_000)
    )
    root = b'{"@id": "./", "@type": "Dataset", "hasPart": [' + parts + b"]}"

    found = iter_entities([HEAD, root, b"\n]}"], "x", DEFAULT_LIMITS.max_text_bytes)

    assert found is not None
    [entity] = found
    assert len(entity["hasPart"]) == 1_000_000  # type: ignore[arg-type]


def test_many_tebibytes_are_allowed() -> None:
    check_sizes({f"{n}": 1 << 40 for n in range(100)}, DEFAULT_LIMITS)


def test_documents_over_the_limit_are_refused_with_its_name() -> None:
    with pytest.raises(CrateLimitError) as caught:
        omexml.parse_document(f'<OME xmlns="{NAMESPACE}"/>'.encode(), "x", 100)
    assert caught.value.limit == "max_memory_bytes"


def test_ordinary_json_is_read() -> None:
    assert parse_json(b'{"a": [1, {"b": "c"}]}', "x") == {"a": [1, {"b": "c"}]}
    with pytest.raises(UnsafeCrateError):
        parse_json(b"{", "x")
