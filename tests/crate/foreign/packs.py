"""Packs as omero-cli-transfer writes them, made from the description of their layout.

One small world: a project with a dataset of two images of one file, an image of a fileset of several files,
an image without a fileset, a tag on two of them, an attachment, a ROI; paths in annotations of the pack.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

NAMESPACE = "openmicroscopy.org/cli/transfer"
_OME = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
Write = Callable[[Path, Mapping[str, bytes]], None]

#: Paths in the pack, by owner; images 11 and 12 are the series of one file.
FOLDER = "root_0/2023-12/18/14-52-03.548"
PATHS = {
    "Image:11": f"{FOLDER}/series größe.ome.tiff",
    "Image:12": f"{FOLDER}/series größe.ome.tiff",
    "Image:13": f"{FOLDER}-b/mock_folder",
    "Image:14": "pixel_images/14.tiff",
    "Annotation:31": "file_annotations/31/protocol.txt",
}
SIZES = {11: (5, 4, 1, 1, 1), 12: (6, 3, 1, 1, 1), 13: (4, 4, 1, 1, 2), 14: (3, 3, 1, 1, 1)}


def pixels(number: int) -> str:
    """Return the Pixels of an image: sizes, and nothing else."""
    x, y, z, c, t = SIZES[number]
    return (
        f'<Pixels ID="Pixels:{number}" DimensionOrder="XYZCT" Type="uint8" SizeX="{x}" SizeY="{y}" '
        f'SizeZ="{z}" SizeC="{c}" SizeT="{t}"><MetadataOnly/></Pixels>'
    )


def image(number: int, refs: list[str], rois: str = "") -> str:
    annotations = "".join(f'<AnnotationRef ID="{ref}"/>' for ref in refs)
    return (
        f'<Image ID="Image:{number}" Name="image {number}"><Description>what {number} shows</Description>'
        f"{pixels(number)}{rois}{annotations}</Image>"
    )


def path_annotation(number: int, path: str) -> str:
    return (
        f'<XMLAnnotation ID="Annotation:{number}" Namespace="{NAMESPACE}"><Value><CLITransferServerPath>'
        f"<Path>{path}</Path></CLITransferServerPath></Value></XMLAnnotation>"
    )


def provenance(number: int) -> str:
    return (
        f'<XMLAnnotation ID="Annotation:{number}" Namespace="{NAMESPACE}"><Value><CLITransferMetadata>'
        "<origin_image_id>11</origin_image_id><software>omero-cli-transfer</software><version>1.3.2</version>"
        "<packing_timestamp>18/12/2023, 14:52:03</packing_timestamp><md5>TBC</md5>"
        "<origin_hostname>omero.old.example.org</origin_hostname></CLITransferMetadata></Value></XMLAnnotation>"
    )


def current_xml(*, twice: bool = False, paths: Mapping[str, str] = PATHS) -> bytes:
    """Return the document as versions since 1.0 write it; ``twice``: with what several packed ids repeat."""
    numbers = {owner: 9_000_000_000_000_000_000 + place * 10**18 for place, owner in enumerate(paths)}
    own = "".join(path_annotation(number, paths[owner]) for owner, number in numbers.items())

    def refs(owner: str, *more: str) -> list[str]:
        return [*more, *([f"Annotation:{numbers[owner]}"] if owner in numbers else [])]

    images = (
        image(
            11, refs("Image:11", "Annotation:21", "Annotation:22", "Annotation:777"), '<ROIRef ID="lsid:41"/>'
        )
        + image(12, refs("Image:12", "Annotation:21"))
        + image(13, refs("Image:13", "Annotation:31"))
        + image(14, refs("Image:14"))
    )
    return _document(
        _project() + _datasets() + images * (2 if twice else 1),
        _annotations(refs("Annotation:31")) + own + provenance(777),
        _roi("lsid:41") * (2 if twice else 1),
    )


def legacy_xml() -> bytes:
    """Return the document as versions up to 0.8 wrote it: paths as comments with negative ids."""
    owners = list(PATHS)
    own = "".join(
        f'<CommentAnnotation ID="Annotation:-{place}" Namespace="{owner}"><Value>{PATHS[owner]}</Value>'
        "</CommentAnnotation>"
        for place, owner in enumerate(owners, 1)
    )
    own += (
        f'<MapAnnotation ID="Annotation:-99" Namespace="{NAMESPACE}"><Value><M K="origin_image_id">11</M>'
        "</Value></MapAnnotation>"
    )
    images = (
        image(
            11, ["Annotation:21", "Annotation:22", "Annotation:-1", "Annotation:-99"], '<ROIRef ID="ROI:41"/>'
        )
        + image(12, ["Annotation:21", "Annotation:-2"])
        + image(13, ["Annotation:31", "Annotation:-3"])
        + image(14, ["Annotation:-4"])
    )
    return _document(_project() + _datasets() + images, _annotations(["Annotation:-5"]) + own, _roi("ROI:41"))


def _project() -> str:
    return (
        '<Project ID="Project:1" Name="Old project"><Description>moved</Description>'
        '<DatasetRef ID="Dataset:2"/></Project>'
    )


def _datasets() -> str:
    return (
        '<Dataset ID="Dataset:2" Name="Day 1"><ImageRef ID="Image:11"/><ImageRef ID="Image:12"/>'
        '<ImageRef ID="Image:13"/></Dataset>'
    )


def _annotations(file_refs: list[str]) -> str:
    refs = "".join(f'<AnnotationRef ID="{ref}"/>' for ref in file_refs)
    return (
        f'<FileAnnotation ID="Annotation:31" Namespace="ns/file">{refs}'
        '<BinaryFile FileName="a/b/protocol.txt" Size="9"><BinData Length="4" BigEndian="true">ZmlsZQ=='
        "</BinData></BinaryFile></FileAnnotation>"
        '<TagAnnotation ID="Annotation:21"><Value>mitosis</Value></TagAnnotation>'
        '<MapAnnotation ID="Annotation:22" Namespace="lab"><Value><M K="gene">CDK1</M><M K="empty"></M>'
        "</Value></MapAnnotation>"
    )


def _roi(identifier: str) -> str:
    return (
        f'<ROI ID="{identifier}" Name="cell"><Union><Rectangle ID="lsid:51" TheZ="0" TheT="0" TheC="0" '
        'Text="" StrokeColor="-16776961" X="1" Y="1" Width="2" Height="2"/>'
        '<Point ID="lsid:52" X="2.5" Y="1"/>'
        "</Union></ROI>"
    )


def _document(objects: str, annotations: str, rois: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<OME xmlns="{_OME}" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{_OME} {_OME}/ome.xsd">'
        f"{objects}<StructuredAnnotations>{annotations}</StructuredAnnotations>{rois}</OME>"
    ).encode()


@cache
def payload() -> Mapping[str, bytes]:
    """Return the files of the pack: TIFFs that are images."""
    return {
        PATHS["Image:11"]: ome_tiff([11, 12]),
        f"{FOLDER}-b/frames.pattern": b"t<0-1>.tif\n",
        f"{FOLDER}-b/t0.tif": tiff(4, 4),
        f"{FOLDER}-b/t1.tif": tiff(4, 4),
        PATHS["Image:14"]: tiff(3, 3),
        PATHS["Annotation:31"]: b"1. Fix it",
    }


def tiff(width: int, height: int) -> bytes:
    import numpy as np
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(out, np.arange(width * height, dtype="u1").reshape(height, width), metadata=None)
    return out.getvalue()


def ome_tiff(numbers: list[int]) -> bytes:
    """Return an OME-TIFF with a series for each image."""
    import numpy as np
    import tifffile

    out = io.BytesIO()
    with tifffile.TiffWriter(out, ome=True) as writer:
        for number in numbers:
            width, height, *_ = SIZES[number]
            writer.write(
                np.full((height, width), number, "u1"), photometric="minisblack", metadata={"axes": "YX"}
            )
    return out.getvalue()


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def write_tar(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a tar as shutil.make_archive does: names begin with ``./``, long ones stand in headers of pax."""
    folder = path.with_name("to be packed")
    write_folder(folder, files)
    with tarfile.open(path, "w") as archive:
        archive.add(folder, ".")
    shutil.rmtree(folder)


WRITERS: dict[str, Write] = {"pack": write_folder, "pack.zip": write_zip, "pack.tar": write_tar}


def write_pack(
    path: Path,
    document: bytes | None = None,
    name: str = "transfer.xml",
    files: Mapping[str, bytes] | None = None,
) -> None:
    """Write a pack whose kind its suffix tells."""
    WRITERS[f"pack{path.suffix}"](
        path, {name: document or current_xml(), **(payload() if files is None else files)}
    )
