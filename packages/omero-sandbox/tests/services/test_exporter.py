"""Images are exported as OME-TIFF and OME-XML."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import omero
import pytest
import tifffile
from ome_types import from_xml


@pytest.fixture
def exporter(root: Any) -> Any:
    service = root.getSession().createExporter()
    yield service
    service.close()


def test_a_tiff_holds_the_pixels(exporter: Any, importer: Any, images: Any) -> None:
    pixels = importer.fake(
        "a&sizeX=16&sizeY=12&sizeZ=2&sizeC=3&pixelType=uint16&physicalSizeX=0.5.fake"
    ).pixels[0]
    exporter.addImage(pixels.image.id.val)
    length = exporter.generateTiff()
    data = exporter.read(0, length)
    assert len(data) == length
    store = images.open(pixels.id.val)
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        found = tiff.asarray()
        assert found.shape == (3, 2, 12, 16)
        plane = np.frombuffer(store.getPlane(1, 2, 0), ">u2").reshape(12, 16)
        np.testing.assert_array_equal(found[2, 1], plane)
        described = from_xml(tiff.pages.first.description).images[0].pixels
    store.close()
    assert (described.size_c, described.physical_size_x) == (3, 0.5)


def test_xml_names_the_image(exporter: Any, importer: Any) -> None:
    exporter.addImage(importer.fake("cell.fake").pixels[0].image.id.val)
    xml = exporter.read(0, exporter.generateXml()).decode()
    assert from_xml(xml).images[0].name == "cell.fake"


def test_something_must_be_added_and_generated_first(exporter: Any) -> None:
    with pytest.raises(omero.ApiUsageException):
        exporter.generateTiff()
    with pytest.raises(omero.ApiUsageException):
        exporter.read(0, 1)
    with pytest.raises(omero.ValidationException):
        exporter.addImage(999)
