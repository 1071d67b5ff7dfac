"""Reads the OME documents of a crate as any other tool would: by their names, with OME's own schema."""

from __future__ import annotations

import tarfile
import warnings
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from lxml import etree
from ome_types import from_xml

_ENDING = ".ome.xml"


def iter_documents(crate: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every OME-XML document in a folder, zip or tar."""
    if crate.is_dir():
        for path in sorted(crate.rglob(f"*{_ENDING}")):
            yield str(path.relative_to(crate)), path.read_bytes()
    elif crate.suffix == ".zip":
        with zipfile.ZipFile(crate) as archive:
            for name in archive.namelist():
                if name.endswith(_ENDING):
                    yield name, archive.read(name)
    else:
        with tarfile.open(crate) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.name.endswith(_ENDING) else None
                if file is not None:
                    yield member.name, file.read()


def check_documents(crate: Path) -> list[str]:
    """Return what the OME 2016-06 schema has against the documents of a crate; ome-types must read all."""
    found = []
    for name, content in iter_documents(crate):
        with warnings.catch_warnings():
            # datasets and folders lead to images of other documents
            warnings.filterwarnings("ignore", "Reference to unknown ID: .*:Image:", UserWarning)
            from_xml(content)
        schema = _schema()
        if not schema.validate(etree.fromstring(content)):
            found += [f"{name}: {error.message}" for error in schema.error_log]
    return found


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(files("ome_types") / "ome-2016-06.xsd")))
