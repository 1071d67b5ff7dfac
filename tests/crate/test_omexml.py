from __future__ import annotations

import warnings

import pytest
from ome_types import OME
from ome_types.model import (
    Dataset,
    Image,
    ImageRef,
    Pixels,
    Pixels_DimensionOrder,
    PixelType,
    StructuredAnnotations,
    XMLAnnotation,
)
from xsdata_pydantic_basemodel.bindings import XmlContext

from omero_rocrate_transfer.crate.omexml import parse_document, render_document
from omero_rocrate_transfer.crate.profile import CREATOR
from omero_rocrate_transfer.model.errors import UnsafeCrateError

OME_XML = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def make_document(name: str = "x", description: str | None = None) -> OME:
    pixels = Pixels(
        id="Pixels:1",
        dimension_order=Pixels_DimensionOrder.XYCZT,
        type=PixelType.UINT16,
        size_x=1,
        size_y=1,
        size_z=1,
        size_c=1,
        size_t=1,
    )
    return OME(images=[Image(id="Image:1", name=name, description=description, pixels=pixels)])


@pytest.mark.parametrize(
    "text", ["plain", " spaces \t", "a\nb", "a\r\nb\r", "<&>\"'", "größe 面", "\U0001f52c"]
)
def test_texts_come_back_exactly(text: str) -> None:
    data, replaced = render_document(make_document(text, text))

    image = parse_document(data, "x").images[0]

    assert (image.name, image.description, replaced) == (text, text, 0)


def test_document_names_its_creator_and_holds_no_binary_data() -> None:
    data, _ = render_document(make_document())

    document = parse_document(data, "x")

    assert document.creator == CREATOR
    assert document.images[0].pixels.metadata_only is not None


def test_characters_that_xml_cannot_hold_are_counted() -> None:
    data, replaced = render_document(make_document("a\x01b\x0bc\ud800"))

    assert replaced == 3
    assert parse_document(data, "x").images[0].name == "a\ufffdb\ufffdc\ufffd"


def test_text_of_an_xml_annotation_keeps_its_spaces() -> None:
    annotation = XMLAnnotation.model_validate({"id": "Annotation:1", "value": "<a><b> x\n</b></a>"})
    document = OME(structured_annotations=StructuredAnnotations(xml_annotations=[annotation]))

    data, _ = render_document(document)

    assert b"<a><b> x\n</b></a>" in data


def test_reference_into_another_document_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data, _ = render_document(
            OME(datasets=[Dataset(id="Dataset:1", image_refs=[ImageRef(id="Image:7")])])
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        document = parse_document(data, "x")

    assert document.datasets[0].image_refs[0].id == "Image:7"


def test_classes_are_looked_at_once_for_all_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    annotation = XMLAnnotation.model_validate({"id": "Annotation:1", "value": "<a/>"})
    document = OME(structured_annotations=StructuredAnnotations(xml_annotations=[annotation]))
    data, _ = render_document(document)
    parse_document(data, "x")

    def look(*_: object) -> None:
        pytest.fail("Every document costs as much as the first")

    monkeypatch.setattr(XmlContext, "get_subclasses", look)
    assert parse_document(data, "x").structured_annotations is not None


EXTERNAL = '<!DOCTYPE OME [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
BOMB = '<!DOCTYPE OME [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
BAD = {
    "nothing": "",
    "no xml": "hello",
    "cut": f'<OME xmlns="{OME_XML}">',
    "entities": f'{BOMB}<OME xmlns="{OME_XML}"><Image ID="Image:1" Name="&b;"/></OME>',
    "external entity": f'{EXTERNAL}<OME xmlns="{OME_XML}">&x;</OME>',
    "external type": f'<!DOCTYPE OME SYSTEM "http://example.org/x.dtd"><OME xmlns="{OME_XML}"/>',
    "other root": f'<Image xmlns="{OME_XML}" ID="Image:1"/>',
    "other version": '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2015-01"/>',
    "no namespace": "<OME/>",
    "namespace that is no URI": f'<OME xmlns="{OME_XML}" xmlns:x="}}http://example.org"/>',
    "unknown element": f'<OME xmlns="{OME_XML}"><Foo/></OME>',
    "wrong value": f'<OME xmlns="{OME_XML}"><Image ID="Image:1"><Pixels SizeX="x"/></Image></OME>',
    "deep": f'<OME xmlns="{OME_XML}">' + "<a>" * 10**5 + "</a>" * 10**5 + "</OME>",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_document_that_is_no_plain_ome_xml_is_refused(text: str) -> None:
    with pytest.raises(UnsafeCrateError, match=r"x\.ome\.xml") as caught:
        parse_document(text.encode(), "x.ome.xml")

    assert len(str(caught.value)) < 500
