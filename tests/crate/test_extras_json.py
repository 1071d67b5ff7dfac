from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ome_types import OME, from_xml, model

from omero_rocrate_transfer.crate.extras_json import (
    extract_document,
    parse_extras,
    render_extras,
    render_with_extras,
)
from omero_rocrate_transfer.crate.profile import PROFILE_URI
from omero_rocrate_transfer.model.document import Document, structured_annotations
from omero_rocrate_transfer.model.errors import UnsafeCrateError
from omero_rocrate_transfer.model.extras import (
    NAMESPACE,
    AnnotationExtras,
    AnnotationFacts,
    AnnotationLink,
    Extras,
    FileFacts,
    MemberLink,
)

HOST = "omero.example.org"
TEXTS = st.none() | st.text(max_size=20)
FILES = st.builds(FileFacts, id=st.text(max_size=9), path=TEXTS, algorithm=TEXTS, hex=TEXTS)
FACTS = st.builds(
    AnnotationFacts,
    name=TEXTS,
    created=TEXTS,
    null=st.booleans(),
    text=TEXTS,
    pairs=st.none() | st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    file=st.none() | FILES,
)
LINKS = st.builds(AnnotationLink, parent=st.text(max_size=9), child=st.text(max_size=9), owner=TEXTS)
MEMBERS = st.builds(
    MemberLink, parent=st.text(max_size=9), child=st.text(max_size=9), owner=st.text(max_size=9)
)
EXTRAS = st.builds(
    Extras,
    annotations=st.builds(
        AnnotationExtras,
        facts=st.dictionaries(st.text(max_size=9), FACTS, max_size=3),
        links=st.lists(LINKS, max_size=3).map(tuple),
        complete=st.booleans(),
    ),
    owners=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3),
    members=st.lists(MEMBERS, max_size=3).map(tuple),
)


@given(EXTRAS)
def test_extras_come_back_from_ome_xml_as_they_were(extras: Extras) -> None:
    text, _ = render_with_extras(Document(OME(), extras), HOST)

    read = extract_document(from_xml(text, validate=False))

    assert read.extras == extras
    assert not structured_annotations(read.ome).xml_annotations


def test_rendering_leaves_the_document_as_it_was() -> None:
    document = Document(OME(), Extras(annotations=AnnotationExtras(complete=True)))

    render_with_extras(document, HOST)

    assert not structured_annotations(document.ome).xml_annotations


def test_the_document_with_extras_is_valid_ome_xml() -> None:
    document = Document(OME(), Extras(annotations=AnnotationExtras(complete=True)))

    from_xml(render_with_extras(document, HOST)[0], validate=True)


def test_extras_are_ascii_and_leave_out_what_has_its_default() -> None:
    facts = {"urn:x": AnnotationFacts(name="µ\ud800\x01")}
    text = render_extras(Extras(annotations=AnnotationExtras(facts=facts)))
    assert text == '{"annotations":{"facts":{"urn:x":{"name":"\\u00b5\\ud800\\u0001"}}}}'


def test_no_annotation_is_made_for_empty_extras() -> None:
    text, _ = render_with_extras(Document(), HOST)

    assert b"StructuredAnnotations" not in text
    assert extract_document(OME()) == Document()


def test_unknown_keys_are_ignored() -> None:
    assert parse_extras('{"annotations":{"complete":true,"new":[1]},"later":{}}').annotations.complete


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"annotations":[]}',
        '{"annotations":{"complete":1}}',
        '{"annotations":{"links":[{"parent":"a"}]}}',
        '{"annotations":{"facts":{"a":{"name":5}}}}',
        '{"annotations":{"facts":{"a":{"pairs":[["k"]]}}}}',
        '{"annotations":{"places":{"a":{"index":1}}}}',
        '{"identifiers":{"a":{"entity_type":"x"}}}',
        '{"identifiers":{"a":{"entity_type":"x","entity_id":9223372036854775808}}}',
        '{"sources":{"a":{"place":0,"rois":"b"}}}',
        '{"annotations":' * 5000,
    ],
)
def test_what_has_not_its_type_is_refused(text: str) -> None:
    with pytest.raises(UnsafeCrateError, match="extras are not valid"):
        parse_extras(text)


def test_extras_that_cannot_be_read_are_refused_by_the_name_of_their_document() -> None:
    text, _ = render_with_extras(Document(OME(), Extras(shapes={"a": ("b",)})), HOST)
    damaged = from_xml(text.replace(b'{"shapes"', b"nonsense"), validate=False)

    with pytest.raises(UnsafeCrateError, match=r"fs101\.ome\.xml"):
        extract_document(damaged, what="fs101.ome.xml")


def test_two_annotations_of_extras_are_refused() -> None:
    text, _ = render_with_extras(Document(OME(), Extras(annotations=AnnotationExtras(complete=True))), HOST)
    twice = from_xml(text, validate=False)
    annotations = structured_annotations(twice).xml_annotations
    annotations.append(annotations[0])

    with pytest.raises(UnsafeCrateError, match="several"):
        extract_document(twice)


def test_other_annotations_stay() -> None:
    value: Any = "<a/>"
    other = model.XMLAnnotation(id="Annotation:1", namespace="x/extras", value=value)
    ome = OME(structured_annotations=model.StructuredAnnotations(xml_annotations=[other]))

    document = extract_document(ome)

    assert document.extras == Extras()
    assert structured_annotations(document.ome).xml_annotations == [other]


def test_the_namespace_belongs_to_the_profile() -> None:
    assert f"{PROFILE_URI}/extras" == NAMESPACE
