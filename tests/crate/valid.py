"""What hostile archives are made of: a valid crate, and names that no crate may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crate.worlds import pack_world

Build = Callable[[Path], object]
PAYLOAD = "fs101.zellen_gro_e_1.ome.tif"

BAD_NAMES = {
    "climbing": "../escaped.txt",
    "climbing-inside": "a/../../escaped.txt",
    "absolute": "/tmp/escaped.txt",
    "unc": "//host/share/x",
    "drive": "C:/x.txt",
    "backslash": "..\\escaped.txt",
    "dot": "a/./x",
    "empty-part": "a//x",
    "control": "a\x1b[2J.txt",
    "line-feed": "a\n.txt",
    "tilde": "~root.txt",
    "trailing-dot": "x.",
    "trailing-space": "x ",
    "device": "aux.txt",
    "stream": "x.tif:y",
    "decomposed": "e\u0301.tif",
    "long-part": "x" * 256,
    "long-path": "/".join(["x" * 200] * 21),
    "case-pair": "FS101.ZELLEN_GRO_E_1.OME.TIF",
    "below-a-file": f"{PAYLOAD}/x",
    "other-metadata": "RO-Crate-Metadata.json",
    "unlisted": "extra.txt",
}


@cache
def valid_files() -> Mapping[str, bytes]:
    """Return the files of a valid crate, by name."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "crate"
        pack_world(path)
        return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def write_folder(path: Path) -> None:
    """Write the valid crate as a folder."""
    path.mkdir()
    for name, data in valid_files().items():
        (path / name).write_bytes(data)
