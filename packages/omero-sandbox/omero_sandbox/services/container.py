"""Hierarchies of containers (omero.api.IContainer; omero-server PojosImpl and its query definitions)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.schema import resolve
from omero_sandbox.hql.parameters import Parameters
from omero_sandbox.hql.reader import Reader
from omero_sandbox.services import hierarchy
from omero_sandbox.services.options import Options
from omero_sandbox.services.split_filesets import split_filesets

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext


class ContainerService:
    """One method per operation; answers are in no order."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    # -- hierarchies --------------------

    def loadContainerHierarchy(
        self, call: Call, rootType: str, rootIds: list[int], options: Any
    ) -> list[Any]:
        """Give containers with what is in them; all visible ones if there are no ids.

        Raises
        ------
        omero.ApiUsageException
            The type is none of Project, Dataset, Screen and Plate.
        """
        name = resolve(rootType).name
        if name not in hierarchy.ROOTS:
            raise omero.ApiUsageException(
                None, None, f"rootType must be Project, Dataset, Screen or Plate, not {name}"
            )
        chosen, reader = Options.read(options), Reader(call)
        found = hierarchy.load_containers(reader, name, chosen, rootIds)
        if chosen.orphans and name in hierarchy.SECOND and not rootIds:
            second, link = hierarchy.SECOND[name]
            condition = f"not exists (select l from {link} l where l.child.id = this.id)"
            found += hierarchy.load_containers(reader, second, chosen, [], condition)
        return found

    def findContainerHierarchies(
        self, call: Call, rootType: str, imageIds: list[int], options: Any
    ) -> list[Any]:
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
        rows = reader.rows(hierarchy.UPWARDS, ids=imageIds)
        if chosen.owner is not None and chosen.group is None:
            rows = [
                row for row in rows if all(link is None or link.owner == chosen.owner for link in row[1::2])
            ]
        return hierarchy.invert(reader, rows)

    # -- images --------------------

    def getImages(self, call: Call, rootType: str, rootIds: list[int], options: Any) -> list[Any]:
        """Give the images of datasets or projects, or the images themselves.

        Raises
        ------
        omero.ApiUsageException
            There are none of this type, or not in pages.
        """
        name, chosen, reader = resolve(rootType).name, Options.read(options), Reader(call)
        ids = rootIds
        if not ids:
            return []
        if chosen.offset or chosen.limit:
            if name not in hierarchy.PAGED:
                raise omero.ApiUsageException(None, None, f"{name} does not support pagination yet.")
            page = Parameters({"ids": ids}, chosen.offset, chosen.limit)
            ids = [row[0] for row in reader.answer(hierarchy.PAGED[name], page).rows]
            name = "Image"
        if name not in hierarchy.IMAGE_JOINS:
            raise omero.ApiUsageException(None, None, f"Query not implemented for {name}")
        alias, joins = hierarchy.IMAGE_JOINS[name]
        return hierarchy.load_images(reader, chosen, [f"{alias}.id in (:ids)"], joins, ids=ids) if ids else []

    def getImagesByOptions(self, call: Call, options: Any) -> list[Any]:
        """Give the images created within a time.

        Raises
        ------
        omero.ApiUsageException
            Neither start nor end is given.
        """
        chosen = Options.read(options)
        if chosen.start is None and chosen.end is None:
            raise omero.ApiUsageException(None, None, "start or end time option is required")
        return hierarchy.load_images(Reader(call), chosen, [])

    def getUserImages(self, call: Call, options: Any) -> list[Any]:
        """Give the images of an owner or group.

        Raises
        ------
        omero.ApiUsageException
            Neither is given.
        """
        chosen = Options.read(options)
        if chosen.owner is None and chosen.group is None:
            raise omero.ApiUsageException(None, None, "experimenter or group option is required")
        return hierarchy.load_images(Reader(call), chosen, [])

    def getImagesBySplitFilesets(self, call: Call, included: dict[str, list[int]], options: Any) -> Any:
        """Tell which filesets are only partly among objects: by fileset, images in (True) and out (False)."""
        return split_filesets(Reader(call), included)

    # -- collections --------------------

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
        return {each: reader.rows(text, id=each)[0][0] for each in ids}

    def retrieveCollection(self, call: Call, obj: Any, name: str, options: Any) -> list[Any]:
        """Give the members of a collection of an object."""
        model, reader = resolve(type(obj).__name__), Reader(call)
        row = call.store.get(model.name, obj.id.val)
        if row is None:
            raise omero.ValidationException(
                None, None, f"No row with the given identifier: {model.name}:{obj.id.val}"
            )
        reader.entity(row)
        members = reader.store.children(row, name.rpartition("_")[2])
        return [reader.entity(member) for member in members if reader.visible(member)]

    # -- writing, by IUpdate --------------------

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
