"""Queries of the container service (omero-server Pojos…QueryDefinition)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from omero_sandbox.hql.reader import Reader
from omero_sandbox.services.options import Options

# Fetched joins by root type; the second list leads to the images.
ROOTS: dict[str, tuple[list[str], list[str]]] = {
    "Project": (
        ["this.datasetLinks pdl", "pdl.child ds", "this.annotationLinksCountPerOwner"],
        ["ds.imageLinks dil", "dil.child img"],
    ),
    "Dataset": (
        ["this.annotationLinksCountPerOwner", "this.imageLinksCountPerOwner"],
        ["this.imageLinks dil", "dil.child img"],
    ),
    "Screen": (
        [
            "this.plateLinks spl",
            "spl.child ds",
            "ds.details.creationEvent",
            "ds.details.updateEvent",
            "ds.plateAcquisitions sa",
            "this.annotationLinksCountPerOwner",
            "sa.annotationLinksCountPerOwner",
        ],
        ["sa.wellSample ws", "ws.image img"],
    ),
    "Plate": (
        ["this.plateAcquisitions sa", "this.annotationLinksCountPerOwner", "sa.annotationLinksCountPerOwner"],
        ["sa.wellSample ws", "ws.image img"],
    ),
}
SECOND = {"Project": ("Dataset", "ProjectDatasetLink"), "Screen": ("Plate", "ScreenPlateLink")}
_IMAGE = [
    "img.details.creationEvent",
    "img.details.updateEvent",
    "img.pixels pix",
    "pix.pixelsType",
    "img.format",
]
_ACQUISITION = [
    "img.stageLabel",
    "img.imagingEnvironment",
    "img.objectiveSettings os",
    "os.medium",
    "os.objective objective",
    "objective.immersion",
    "objective.correction",
]
IMAGE_JOINS = {
    "Image": ("img", ""),
    "Dataset": ("ds", " join img.datasetLinks dil join dil.parent ds"),
    "Project": (
        "prj",
        " join img.datasetLinks dil join dil.parent ds join ds.projectLinks pdl join pdl.parent prj",
    ),
}
PAGED = {
    "Dataset": "select l.child.id from DatasetImageLink l where l.parent.id in (:ids) order by l.child.id",
    "Project": "select distinct dil.child.id from ProjectDatasetLink pdl join pdl.child ds "
    "join ds.imageLinks dil where pdl.parent.id in (:ids) order by dil.child.id",
}
UPWARDS = (
    "select img, dil, ds, pdl, prj from Image img left outer join img.datasetLinks dil "
    "left outer join dil.parent ds left outer join ds.projectLinks pdl left outer join pdl.parent prj "
    "where img.id in (:ids)"
)


def _fetching(joins: Iterable[str]) -> str:
    return "".join(f" left outer join fetch {join}" for join in joins)


def load_containers(
    reader: Reader, name: str, chosen: Options, ids: list[int], condition: str | None = None
) -> list[Any]:
    """Build containers with what is in them; ``condition`` is one more on ``this``."""
    direct, leaves = ROOTS[name]
    joins = ["this.details.creationEvent", *direct]
    if chosen.leaves:
        joins += leaves + _IMAGE + (_ACQUISITION if chosen.acquisition else [])
    where, values = chosen.where("this")
    where += ["this.id in (:ids)"] if ids else []
    where += [condition] if condition else []
    text = f"select this from {name} this{_fetching(joins)}" + (
        f" where {' and '.join(where)}" if where else ""
    )
    return reader.objects(text, **values, **({"ids": ids} if ids else {}))


def load_images(
    reader: Reader, chosen: Options, where: list[str], joins: str = "", **values: Any
) -> list[Any]:
    """Build images with pixels and counts; ``joins`` and ``where`` choose them."""
    fetched = [*_IMAGE, "img.annotationLinksCountPerOwner", "img.datasetLinksCountPerOwner"]
    fetched += _ACQUISITION if chosen.acquisition else []
    conditions, more = chosen.where("img")
    if chosen.start is not None:
        conditions.append("img.details.creationEvent.time > :start")
        more["start"] = chosen.start
    if chosen.end is not None:
        conditions.append("img.details.creationEvent.time < :end")
        more["end"] = chosen.end
    text = f"select img from Image img{_fetching(fetched)}{joins} where {' and '.join([*conditions, *where])}"
    return reader.objects(text, **values, **more)


def invert(reader: Reader, rows: list[tuple[Any, ...]]) -> list[Any]:
    """Roots above images with only the links that lead down to these (HierarchyTransformations.invertPDI)."""
    roots: dict[tuple[str, int], Any] = {}
    below: dict[tuple[Any, str], dict[int, Any]] = {}
    for image, image_link, dataset, dataset_link, project in rows:
        top = project or dataset or image
        roots[top.type, top.id] = top
        if dataset:
            below.setdefault((dataset, "imageLinks"), {})[image_link.id] = image_link
        if project:
            below.setdefault((project, "datasetLinks"), {})[dataset_link.id] = dataset_link
        for row in (image, dataset, project):
            if row is not None:
                reader.entity(row)
    for (owner, name), links in below.items():
        reader.marshaller.set_collection(owner, name, links.values())
    return [reader.entity(row) for row in roots.values()]
