"""What two documents say is compared whatever ids their objects have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ome_types import OME, model

from omero_rocrate_transfer.model.document import Document
from omero_rocrate_transfer.model.extras import Extras, UserRendering
from omero_rocrate_transfer.model.refs import ObjectRef
from omero_rocrate_transfer.model.rendering import Rendering
from omero_rocrate_transfer.transfer.verify.differences import tell_differences
from omero_rocrate_transfer.transfer.verify.facts import DocumentFacts


def document(start: int, **changes: Any) -> Document:
    """Return an image with a tag and a ROI, whose ids begin at a number."""

    def lsid(kind: str, step: int = 0) -> str:
        return ObjectRef(kind, start + step).lsid("a.example.org")

    pixels = model.Pixels(
        id=lsid("Pixels"),
        dimension_order=model.Pixels_DimensionOrder.XYZCT,
        type=model.PixelType.UINT8,
        size_x=4,
        size_y=3,
        size_z=1,
        size_c=1,
        size_t=1,
        physical_size_x=changes.get("size", 0.1),
    )
    image = model.Image(id=lsid("Image"), name=changes.get("name", "n"), pixels=pixels)
    tag = model.TagAnnotation(
        id=lsid("Annotation"), value=changes.get("tag", "t"), namespace=changes.get("namespace")
    )
    point = model.Point(id=lsid("Shape"), x=changes.get("x", 1.5), y=2)
    roi = model.ROI(id=lsid("ROI"), union=model.ROI.Union(points=[point]))
    made = OME(images=[image], rois=[roi], structured_annotations=model.StructuredAnnotations())
    made.structured_annotations.tag_annotations.append(tag)  # type: ignore[union-attr]
    image.annotation_refs.append(model.AnnotationRef(id=tag.id))
    image.roi_refs.append(model.ROIRef(id=roi.id))
    extras = Extras()
    if "zoom" in changes:
        rendering = Rendering(default_z=0, default_t=0, model=changes["zoom"], channels=())
        user = UserRendering(login=f"user {start}", rendering=rendering)
        extras = Extras(rendering={image.id: (user,)})
    return Document(made, extras)


def differences(left: Document, right: Document, **options: Any) -> list[str]:
    [(_, here)], [(_, there)] = (
        list(DocumentFacts(one, **options).of_type("Image")) for one in (left, right)
    )
    return tell_differences(here, there)


def test_ids_do_not_matter() -> None:
    assert differences(document(1), document(7)) == []


def test_name_and_size_are_told_with_both_values() -> None:
    told = differences(document(1), document(7, name="m", size=0.2))

    assert told == ["name is 'n', then 'm'", "pixels.physical_size_x is 0.1, then 0.2"]


def test_annotation_with_another_value_is_another_one() -> None:
    missing, more = differences(document(1), document(7, tag="u"))

    assert missing.startswith("annotation_refs.TagAnnotation ")
    assert "missing" in missing + more


def test_roi_that_is_drawn_otherwise_is_told() -> None:
    assert len(differences(document(1), document(7, x=1.25))) == 2


def test_annotations_of_transfers_can_be_left_out() -> None:
    left, right = document(1, namespace="transfer/1"), document(7, tag="u", namespace="transfer/2")

    assert differences(left, right, ignored_namespaces=("transfer/",)) == []


def test_rendering_of_the_owner_is_compared_whoever_that_is() -> None:
    assert differences(document(1, zoom="rgb"), document(7, zoom="rgb")) == []
    assert len(differences(document(1, zoom="rgb"), document(7, zoom="greyscale"))) == 1


def test_time_is_the_same_in_every_zone() -> None:
    left, right = document(1), document(7)
    left.ome.images[0].acquisition_date = datetime(2026, 1, 1, 12, tzinfo=UTC)
    right.ome.images[0].acquisition_date = datetime(2026, 1, 1, 12)  # noqa: DTZ001 - without zone it is UTC

    assert differences(left, right) == []


def test_references_in_extras_are_told_by_what_they_lead_to() -> None:
    def related(start: int) -> Document:
        one = document(start)
        other = ObjectRef("Pixels", start + 5).lsid("a.example.org")
        return Document(one.ome, Extras(fields={one.ome.images[0].pixels.id: {"relatedTo": other}}))

    assert differences(related(1), related(7)) == []
    assert differences(document(1), related(7)) != []


def test_another_experiment_is_a_difference() -> None:
    def of_experiment(start: int, said: str) -> Document:
        one = document(start)
        lsid = ObjectRef("Experiment", start).lsid("a.example.org")
        one.ome.experiments.append(model.Experiment(id=lsid, description=said))
        one.ome.images[0].experiment_ref = model.ExperimentRef(id=lsid)
        return one

    assert differences(of_experiment(1, "one"), of_experiment(7, "one")) == []
    assert differences(of_experiment(1, "one"), of_experiment(7, "other")) != []


def of_planes(start: int, order: tuple[int, ...], left_over: float = 2.5) -> Document:
    """Return an image with two planes that are numbered in some order; a fact of the second is left over."""
    one = document(start)
    pixels = one.ome.images[0].pixels
    pixels.size_t = 2
    for t in order:
        pixels.planes.append(model.Plane(the_z=0, the_c=0, the_t=t, delta_t=1.5 * t))
    fields: dict[str, Any] = {f"planes[{order.index(1)}].exposureTime": left_over}
    return Document(one.ome, Extras(fields={pixels.id: fields}))


def test_planes_are_compared_by_their_place_in_z_c_and_t() -> None:
    assert differences(of_planes(1, (0, 1)), of_planes(7, (1, 0))) == []


def test_a_difference_of_a_plane_names_its_place() -> None:
    other = of_planes(7, (1, 0), left_over=3.5)
    other.ome.images[0].pixels.planes[0].delta_t = 4.0

    assert differences(of_planes(1, (0, 1)), other) == [
        "pixels.planes.z=0, c=0, t=1.+exposureTime is 2.5, then 3.5",
        "pixels.planes.z=0, c=0, t=1.delta_t is 1.5, then 4.0",
    ]


def test_two_planes_with_the_same_place_have_no_order() -> None:
    def twice(start: int, *times: float) -> Document:
        one = document(start)
        one.ome.images[0].pixels.planes.extend(
            model.Plane(the_z=0, the_c=0, the_t=0, delta_t=time) for time in times
        )
        return one

    assert differences(twice(1, 1.0, 2.0), twice(7, 2.0, 1.0)) == []
    assert len(differences(twice(1, 1.0, 2.0), twice(7, 2.0, 3.0))) == 2


def of_instrument(start: int, *models: str) -> Document:
    """Return an image whose instrument has objectives in some order, and uses the one called b."""
    one = document(start)
    numbers = {name: start + 10 + place for place, name in enumerate(models)}
    lsids = {name: ObjectRef("Objective", number).lsid("a.example.org") for name, number in numbers.items()}
    lsid = ObjectRef("Instrument", start).lsid("a.example.org")
    objectives = [model.Objective(id=lsids[name], model=name) for name in models]
    one.ome.instruments.append(model.Instrument(id=lsid, objectives=objectives))
    one.ome.images[0].instrument_ref = model.InstrumentRef(id=lsid)
    one.ome.images[0].objective_settings = model.ObjectiveSettings(id=lsids["b"])
    return one


def test_parts_of_an_instrument_have_no_order() -> None:
    assert differences(of_instrument(1, "a", "b"), of_instrument(7, "b", "a")) == []
    assert differences(of_instrument(1, "a", "b"), of_instrument(7, "b", "c")) != []


def test_reagents_of_a_screen_have_no_order() -> None:
    def facts(start: int, *names: str) -> dict[str, Any]:
        lsid = ObjectRef("Screen", start).lsid("a.example.org")
        reagents = [
            model.Reagent(id=ObjectRef("Reagent", start + place).lsid("a.example.org"), name=name)
            for place, name in enumerate(names)
        ]
        ome = OME(screens=[model.Screen(id=lsid, reagents=reagents)])
        [(_, found)] = DocumentFacts(Document(ome)).of_type("Screen")
        return found

    assert facts(1, "a", "b") == facts(7, "b", "a")
    assert facts(1, "a", "b") != facts(7, "b", "c")


def of_fractions(start: int, value: float, humidity: float = 0.5) -> Document:
    one = document(start)
    one.ome.images[0].imaging_environment = model.ImagingEnvironment(co2_percent=value, humidity=humidity)
    one.ome.images[0].pixels.physical_size_y = value
    return one


def test_fractions_are_compared_in_single_precision_and_all_else_exactly() -> None:
    # Bio-Formats holds fractions in four bytes (ome.xml.model.primitives.PercentFraction)
    [told] = differences(of_fractions(1, 0.05), of_fractions(7, 0.05000000074505806))

    assert told.startswith("pixels.physical_size_y")
    assert len(differences(of_fractions(1, 0.05, 0.5), of_fractions(7, 0.05, 0.5001))) == 1
