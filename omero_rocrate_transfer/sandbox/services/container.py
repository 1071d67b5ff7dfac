"""Hierarchies of containers (omero.api.IContainer; omero-server PojosImpl and its query definitions)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_rocrate_transfer.sandbox.hql.parameters import Parameters
from omero_rocrate_transfer.sandbox.hql.reader import Reader
from omero_rocrate_transfer.sandbox.schema import resolve
from omero_rocrate_transfer.sandbox.services.options import Options
from omero_rocrate_transfer.sandbox.services.split_filesets import split_filesets

if TYPE_CHECKING:
    from omero_rocrate_transfer.sandbox.call import Call
    from omero_rocrate_transfer.sandbox.context import ServiceContext

# Fetched joins by root type; {leaves} of the second are those to the images.
_ROOTS: dict[str, tuple[list[str], list[str]]] = {
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
_SECOND = {"Project": ("Dataset", "ProjectDatasetLink"), "Screen": ("Plate", "ScreenPlateLink")}
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
_IMAGE_JOINS = {
    "Image": ("img", ""),
    "Dataset": ("ds", " join img.datasetLinks dil join dil.parent ds"),
    "Project": ("prj", " join img.datasetLinks dil join dil.parent ds join ds.projectLinks pdl join pdl.parent prj"),
}
_PAGED = {
    "Dataset": "select l.child.id from DatasetImageLink l where l.parent.id in (:ids) order by l.child.id",
    "Project": "select distinct dil.child.id from ProjectDatasetLink pdl join pdl.child ds join ds.imageLinks dil "
    "where pdl.parent.id in (:ids) order by dil.child.id",
}


class ContainerService:
    """One method per operation; answers are in no order."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    # -- hierarchies ---------------------------------------------------------------------------------------------

    def loadContainerHierarchy(self, call: Call, rootType: str, rootIds: list[int], options: Any) -> list[Any]:
        """Give containers with what is in them; all visible ones if there are no ids.

        Raises
        ------
        omero.ApiUsageException
            The type is none of Project, Dataset, Screen and Plate.
        """
        name = resolve(rootType).name
        if name not in _ROOTS:
            raise omero.ApiUsageException(None, None, f"rootType must be Project, Dataset, Screen or Plate, not {name}")
        chosen, reader = Options.read(options), Reader(call)
        found = _containers(reader, name, chosen, rootIds)
        if chosen.orphans and name in _SECOND and not rootIds:
            second, link = _SECOND[name]
            condition = f"not exists (select l from {link} l where l.child.id = this.id)"
            found += _containers(reader, second, chosen, [], condition)
        return found

    def findContainerHierarchies(self, call: Call, rootType: str, imageIds: list[int], options: Any) -> list[Any]:
        """Give the projects above images; a dataset or image in none stands for itself.

        Raises
        ------
        omero.ApiUsageException
            The type is not Project.
        """
        if resolve(rootType).name != "Project":
            raise omero.ApiUsageException(None, None, f"rootType must be Project, not {rootType}")
        if not imageIds:
            return []
        reader, chosen = Reader(call), Options.read(options)
        rows = reader.rows(_UPWARDS, ids=imageIds)
        owner = chosen.owner if chosen.group is None else None
        kept = [row for row in rows if owner is None or all(link is None or link.owner == owner for link in row[1::2])]
        return _inverted(reader, kept)

    # -- images --------------------------------------------------------------------------------------------------

    def getImages(self, call: Call, rootType: str, rootIds: list[int], options: Any) -> list[Any]:
        """Give the images of datasets or projects, or the images themselves.

        Raises
        ------
        omero.ApiUsageException
            There are none of this type, or not in pages.
        """
        name, chosen, reader = resolve(rootType).name, Options.read(options), Reader(call)
        if not rootIds:
            return []
        if chosen.offset or chosen.limit:
            if name not in _PAGED:
                raise omero.ApiUsageException(None, None, f"{name} does not support pagination yet.")
            page = Parameters({"ids": rootIds}, chosen.offset, chosen.limit)
            rootIds = [row[0] for row in reader.answer(_PAGED[name], page).rows]
            name = "Image"
        if name not in _IMAGE_JOINS:
            raise omero.ApiUsageException(None, None, f"Query not implemented for {name}")
        alias, joins = _IMAGE_JOINS[name]
        return _images(reader, chosen, [f"{alias}.id in (:ids)"], joins, ids=rootIds) if rootIds else []

    def getImagesByOptions(self, call: Call, options: Any) -> list[Any]:
        """Give the images created within a time.

        Raises
        ------
        omero.ApiUsageException
            Neither start nor end is given.
        """
        chosen = Options.read(options)
        if chosen.start is None and chosen.end is None:
            raise omero.ApiUsageException(None, None, "start or end time option is required for getImagesByOptions().")
        return _images(Reader(call), chosen, [])

    def getUserImages(self, call: Call, options: Any) -> list[Any]:
        """Give the images of an owner or group.

        Raises
        ------
        omero.ApiUsageException
            Neither is given.
        """
        chosen = Options.read(options)
        if chosen.owner is None and chosen.group is None:
            raise omero.ApiUsageException(None, None, "experimenter or group option is required for getUserImages().")
        return _images(Reader(call), chosen, [])

    def getImagesBySplitFilesets(self, call: Call, included: dict[str, list[int]], options: Any) -> Any:
        """Tell which filesets are only partly among objects: by fileset, the images in (True) and out (False)."""
        return split_filesets(Reader(call), included)

    # -- collections ---------------------------------------------------------------------------------------------

    def getCollectionCount(
        self, call: Call, type: str, property: str, ids: list[int], options: Any
    ) -> dict[int, int]:
        """Count the members of a collection by the owner's id; ``property`` may be ``Type_property``.

        Raises
        ------
        omero.ApiUsageException
            There is no such type or collection.
        omero.InternalException
            An id is not visible.
        """
        model, name = resolve(type), property.rpartition("_")[2]
        if name not in model.fields or model.fields[name].kind != "many":
            raise omero.ApiUsageException(None, None, f"{type}.{name} is an unknown property on type {type}")
        reader = Reader(call)
        text = f"select size(o.{name}) from {model.name} o where o.id = :id"
        return {id: reader.rows(text, id=id)[0][0] for id in ids}

    def retrieveCollection(self, call: Call, obj: Any, name: str, options: Any) -> list[Any]:
        """Give the members of a collection of an object."""
        model, reader = resolve(type(obj).__name__), Reader(call)
        row = call.store.get(model.name, obj.id.val)
        if row is None:
            raise omero.ValidationException(None, None, f"No row with the given identifier: {model.name}:{obj.id.val}")
        reader.entity(row)
        members = reader.store.children(row, name.rpartition("_")[2])
        return [reader.entity(member) for member in members if reader.visible(member)]

    # -- writing, by IUpdate -------------------------------------------------------------------------------------

    def createDataObject(self, call: Call, obj: Any, options: Any) -> Any:
        """Save an object and give it back."""
        return self._update.saveAndReturnObject(call, obj)

    def createDataObjects(self, call: Call, dataObjects: list[Any], options: Any) -> list[Any]:
        """Save objects and give them back."""
        return self._update.saveAndReturnArray(call, dataObjects)

    def updateDataObject(self, call: Call, obj: Any, options: Any) -> Any:
        """Save an object and give it back."""
        return self._update.saveAndReturnObject(call, obj)

    def updateDataObjects(self, call: Call, objs: list[Any], options: Any) -> list[Any]:
        """Save objects and give them back."""
        return self._update.saveAndReturnArray(call, objs)

    def link(self, call: Call, links: list[Any], options: Any) -> list[Any]:
        """Save links and give them back."""
        return self._update.saveAndReturnArray(call, links)

    def unlink(self, call: Call, links: list[Any], options: Any) -> None:
        """Delete links."""
        for each in links:
            self._update.deleteObject(call, each)

    @property
    def _update(self) -> Any:
        return self.context.get_service("IUpdate")


_UPWARDS = (
    "select img, dil, ds, pdl, prj from Image img left outer join img.datasetLinks dil left outer join dil.parent ds "
    "left outer join ds.projectLinks pdl left outer join pdl.parent prj where img.id in (:ids)"
)


def _fetching(joins: Iterable[str]) -> str:
    return "".join(f" left outer join fetch {join}" for join in joins)


def _containers(
    reader: Reader, name: str, chosen: Options, ids: list[int], condition: str | None = None
) -> list[Any]:
    direct, leaves = _ROOTS[name]
    joins = ["this.details.creationEvent", *direct]
    if chosen.leaves:
        joins += leaves + _IMAGE + (_ACQUISITION if chosen.acquisition else [])
    where, values = chosen.where("this")
    where += ["this.id in (:ids)"] if ids else []
    where += [condition] if condition else []
    text = f"select this from {name} this{_fetching(joins)}" + (f" where {' and '.join(where)}" if where else "")
    return reader.objects(text, **values, **({"ids": ids} if ids else {}))


def _images(reader: Reader, chosen: Options, where: list[str], joins: str = "", **values: Any) -> list[Any]:
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


def _inverted(reader: Reader, rows: list[tuple[Any, ...]]) -> list[Any]:
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
