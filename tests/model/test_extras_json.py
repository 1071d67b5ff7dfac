from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ome_types import OME, from_xml, model, to_xml

from omero_rocrate_transfer.crate.profile import PROFILE_URI
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
from omero_rocrate_transfer.model.extras_json import (
    parse_extras,
    put_extras,
    render_extras,
    structured_annotations,
    take_extras,
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
    document = OME()
    put_extras(document, extras, HOST)
    read = from_xml(to_xml(document, indent=0), validate=False)
    assert take_extras(read) == extras
    assert not structured_annotations(read).xml_annotations


def test_the_document_with_extras_is_valid_ome_xml() -> None:
    document = OME()
    put_extras(document, Extras(annotations=AnnotationExtras(complete=True)), HOST)
    from_xml(to_xml(document), validate=True)


def test_extras_are_ascii_and_leave_out_what_has_its_default() -> None:
    facts = {"urn:x": AnnotationFacts(name="µ\ud800\x01")}
    text = render_extras(Extras(annotations=AnnotationExtras(facts=facts)))
    assert text == '{"annotations":{"facts":{"urn:x":{"name":"\\u00b5\\ud800\\u0001"}}}}'


def test_no_annotation_is_made_for_empty_extras() -> None:
    document = OME()
    put_extras(document, Extras(), HOST)
    assert not structured_annotations(document).xml_annotations
    assert take_extras(document) == Extras()


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


def test_two_annotations_of_extras_are_refused() -> None:
    document = OME()
    for _ in range(2):
        put_extras(document, Extras(annotations=AnnotationExtras(complete=True)), HOST)
    with pytest.raises(UnsafeCrateError, match="several"):
        take_extras(document)


def test_other_annotations_stay() -> None:
    value: Any = "<a/>"
    other = model.XMLAnnotation(id="Annotation:1", namespace="x/extras", value=value)
    document = OME(structured_annotations=model.StructuredAnnotations(xml_annotations=[other]))
    assert take_extras(document) == Extras()
    assert structured_annotations(document).xml_annotations == [other]


def test_the_namespace_belongs_to_the_profile() -> None:
    assert f"{PROFILE_URI}/extras" == NAMESPACE
