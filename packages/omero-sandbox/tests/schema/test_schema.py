"""The model file against the classes that omero-py generated from the same mappings."""

from __future__ import annotations

from typing import Any

import omero.model
import pytest

from omero_sandbox.db.schema import resolve, schema
from omero_sandbox.db.schema.schema import Schema

CONCRETE = [model.name for model in schema() if not model.abstract]
WRAPPERS = {
    "rstring": {"string", "text"},
    "rint": {"int"},
    "rlong": {"long"},
    "rdouble": {"double"},
    "rbool": {"boolean"},
    "rtime": {"timestamp"},
}


def python_class(name: str) -> Any:
    return getattr(omero.model, f"{name}I")


@pytest.mark.parametrize("name", CONCRETE)
def test_fields_are_those_of_the_generated_class(name: str) -> None:
    generated = set(python_class(name)._field_info._fields) - {"details"}
    assert set(resolve(name).fields) == generated


@pytest.mark.parametrize("name", CONCRETE)
def test_required_fields_are_not_nullable(name: str) -> None:
    info = python_class(name)._field_info
    fields = [field for field in resolve(name).fields.values() if field.kind != "many"]
    assert {f.name: not f.required for f in fields} == {
        f.name: getattr(info, f.name).nullable for f in fields
    }


@pytest.mark.parametrize("name", CONCRETE)
def test_scalars_have_the_generated_rtypes(name: str) -> None:
    info = python_class(name)._field_info
    for field in resolve(name).fields.values():
        wrapper = getattr(getattr(info, field.name).wrapper, "__name__", "")
        if field.kind == "scalar" and wrapper in WRAPPERS:
            assert field.type in WRAPPERS[wrapper], field


@pytest.mark.parametrize("name", CONCRETE)
def test_java_names_are_those_of_the_generated_class(name: str) -> None:
    assert f"{resolve(name).java_name}_details" == python_class(name).DETAILS


@pytest.mark.parametrize("name", [name for name in CONCRETE if resolve(name).base is None])
def test_flags_are_those_of_the_generated_class(name: str) -> None:
    made, model = python_class(name)(), resolve(name)
    assert (model.is_link, model.is_global, model.is_annotated) == (
        made.isLink(),
        made.isGlobal(),
        made.isAnnotated(),
    )


@pytest.mark.parametrize("name", CONCRETE)
def test_every_collection_has_an_inverse_that_points_back(name: str) -> None:
    model = resolve(name)
    for field in model.fields.values():
        if field.kind == "many":
            back = resolve(str(field.target)).fields[str(field.inverse)]
            assert back.kind == "one"
            assert model.root == resolve(str(back.target)).root
            assert back.inverse == field.name
            assert back.ordered == field.ordered


@pytest.mark.parametrize("name", CONCRETE)
def test_every_collection_is_one_of_the_generated_class(name: str) -> None:
    collections = {n.removesuffix("Loaded")[1:] for n in vars(python_class(name)()) if n.endswith("Loaded")}
    collections -= {"d"}  # _loaded is not a collection
    declared = {field.name for field in resolve(name).fields.values() if field.kind == "many"}
    assert declared == collections - {""}


def test_names_of_all_kinds_are_understood() -> None:
    names = ["Image", "ImageI", "ome.model.core.Image", "::omero::model::Image", "omero.model.ImageI"]
    assert {resolve(name).java_name for name in names} == {"ome.model.core.Image"}


def test_an_unknown_type_is_a_usage_error() -> None:
    with pytest.raises(omero.ApiUsageException, match="Unknown type: Picture"):
        resolve("Picture")


def test_subtypes_share_the_root_and_inherit_fields() -> None:
    tag = resolve("TagAnnotation")
    assert tag.root == "Annotation"
    assert {"ns", "textValue", "annotationLinks"} <= set(tag.fields)
    assert "TagAnnotation" in resolve("TextAnnotation").subtypes


def test_a_line_that_is_no_field_is_refused() -> None:
    with pytest.raises(ValueError, match="not a field"):
        Schema("package core\ntype Image\n  name string\n")
