"""Rows to model objects."""

from __future__ import annotations

from typing import Any

import pytest

from omero_sandbox.db.bootstrap import install
from omero_sandbox.db.marshal import Marshaller, python_class, quantity_object, read_value
from omero_sandbox.db.schema import resolve
from omero_sandbox.db.store import Quantity, Row, Store


@pytest.fixture
def store() -> Store:
    made = Store()
    install(made, "secret")
    return made


@pytest.fixture
def image(store: Store) -> Row:
    """An image with pixels, two channels, a tag and a comment, of root in group ``user``."""
    details: dict[str, Any] = {"owner": 0, "group": 1, "event": 0}
    image = store.insert("Image", {"name": "a", "acquisitionDate": 5, "partial": True}, **details)
    kind = store.enum("PixelsType", "uint8")
    assert kind is not None
    pixels = {
        "image": image.id,
        "image_index": 0,
        "pixelsType": kind.id,
        "physicalSizeX": Quantity(0.5, "NANOMETER"),
    }
    made = store.insert("Pixels", pixels, **details)
    for index in range(2):
        logical = store.insert("LogicalChannel", {"name": f"c{index}"}, **details)
        channel = {"pixels": made.id, "pixels_index": index, "logicalChannel": logical.id}
        store.insert("Channel", channel, **details)
    for name in ("TagAnnotation", "CommentAnnotation"):
        annotation = store.insert(name, {"textValue": name}, **details)
        store.insert("ImageAnnotationLink", {"parent": image.id, "child": annotation.id}, **details)
    return image


def test_what_was_not_fetched_is_unloaded(store: Store, image: Row) -> None:
    made = Marshaller(store, None).entity(image)
    assert made.isLoaded()
    assert (made.sizeOfPixels(), made.sizeOfAnnotationLinks()) == (-1, -1)
    pixels = Marshaller(store, None).entity(store.children(image, "pixels")[0])
    assert not pixels.pixelsType.isLoaded()
    assert not pixels.image.isLoaded()
    assert type(pixels.image).__name__ == "ImageI"


def test_what_was_fetched_is_loaded(store: Store, image: Row) -> None:
    plan: dict[str, Any] = {"pixels": {"pixelsType": {}, "channels": {"logicalChannel": {}}}}
    made = Marshaller(store, None).entity(image, plan)
    pixels = made.getPrimaryPixels()
    assert pixels.pixelsType.value.val == "uint8"
    assert [c.logicalChannel.name.val for c in pixels.copyChannels()] == ["c0", "c1"]
    assert pixels.image is made


def test_what_refers_to_an_abstract_type_is_loaded_only_if_that_was_fetched(store: Store, image: Row) -> None:
    links = store.referrers("ImageAnnotationLink", "parent", image.id)
    made = Marshaller(store, None).entities(links)
    assert [(type(link).__name__, link.id.val, link.isLoaded()) for link in made] == [
        ("ImageAnnotationLinkI", link.id, False) for link in links
    ]
    made = Marshaller(store, None).entities(links, {"child": {}})
    assert [link.child.textValue.val for link in made] == ["TagAnnotation", "CommentAnnotation"]
    assert not made[0].parent.isLoaded()


def test_a_row_is_one_instance_and_gains_what_is_fetched_later(store: Store, image: Row) -> None:
    marshaller = Marshaller(store, None)
    pixels = marshaller.entity(store.children(image, "pixels")[0])
    proxy = pixels.image
    made = marshaller.entity(image)
    assert not proxy.isLoaded()
    assert pixels.image is made is marshaller.entity(image, {"pixels": {}})
    assert made.getPrimaryPixels() is pixels


def test_details_have_proxies_unless_fetched(store: Store, image: Row) -> None:
    details = Marshaller(store, None).entity(image).details
    proxies = [details.owner, details.group, details.creationEvent, details.updateEvent]
    assert [proxy.isLoaded() for proxy in proxies] == [False] * 4
    assert [proxy.id.val for proxy in proxies] == [0, 1, 0, 0]
    plan: dict[str, Any] = {"details": {"owner": {}, "creationEvent": {}}}
    details = Marshaller(store, None).entity(image, plan).details
    assert details.owner.omeName.val == "root"
    assert details.creationEvent.time.val == 0
    assert not details.group.isLoaded()


def test_values_have_their_types(store: Store, image: Row) -> None:
    made = Marshaller(store, None).entity(image)
    assert (made.name.val, made.acquisitionDate.val, made.partial.val) == ("a", 5, True)
    assert made.description is None
    size = Marshaller(store, None).entity(store.children(image, "pixels")[0]).physicalSizeX
    assert (size.getValue(), str(size.getUnit()), size.getSymbol()) == (0.5, "NANOMETER", "nm")


@pytest.mark.parametrize(
    ("type_name", "field", "value"),
    [
        ("Image", "name", "ü\n"),
        ("Image", "series", 2**31 - 1),
        ("Image", "acquisitionDate", -5),
        ("Image", "archived", False),
        ("OriginalFile", "size", 2**40),
        ("Rectangle", "x", float("inf")),
        ("Mask", "bytes", b"\0\xff"),
        ("Namespace", "keywords", ["a", "b"]),
        ("MapAnnotation", "mapValue", [("a", "1"), ("a", "")]),
        ("PlaneInfo", "deltaT", Quantity(0.25, "SECOND")),
        ("Laser", "power", Quantity(5.0, "MILLIWATT")),
    ],
)
def test_a_value_survives_the_way_out_and_back(store: Store, type_name: str, field: str, value: Any) -> None:
    row = store.insert(type_name, {field: value})
    made = Marshaller(store, None).entity(row)
    assert read_value(made, resolve(type_name).fields[field]) == value


def test_objects_of_one_type_do_not_share_state(store: Store) -> None:
    rows = [store.insert("Image", {"name": name}) for name in "ab"]
    first, second = Marshaller(store, None).entities(rows)
    first.setName(None)
    first._toggleCollectionsLoaded(True)
    assert (second.name.val, second.sizeOfPixels()) == ("b", -1)
    assert Marshaller(store, None).entity(rows[0]).name.val == "a"


@pytest.mark.parametrize(
    "unit", ["Length", "Time", "Power", "Pressure", "Temperature", "Frequency", "ElectricPotential"]
)
def test_every_unit_class_is_known(unit: str) -> None:
    enumeration = python_class(unit)().getUnit.__globals__[f"Units{unit}"]
    name = next(name for name in vars(enumeration) if name.isupper())
    assert str(quantity_object(unit, Quantity(1.0, name)).getUnit()) == name
