"""Annotations and acquisition metadata (omero.api.IMetadata; omero-server MetadataImpl)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients

from omero_sandbox.db.schema import Type, resolve
from omero_sandbox.db.store import Row
from omero_sandbox.hql.reader import Reader
from omero_sandbox.services import tags
from omero_sandbox.services.acquisition import channels, instrument
from omero_sandbox.services.options import Options

if TYPE_CHECKING:
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_ROOTS = frozenset(
    {"Image", "Dataset", "Project", "Screen", "Plate", "PlateAcquisition", "Well", "Fileset"},
)
_USED_BY = ("Image", "Dataset", "Project", "Screen", "Plate")
_PLAN: dict[str, Any] = {"details": {"owner": {}, "creationEvent": {}}, "file": {"hasher": {}}}
_FILESETS = "select i.id, i.fileset.id from Image i where i.fileset is not null and i.id in (:ids)"
_LOGS = (
    "select fjl.parent.id, o from UploadJob u, FilesetJobLink fjl, JobOriginalFileLink jol, OriginalFile o "
    "where fjl.parent.id in (:ids) and fjl.child = jol.parent and jol.child.id = o.id and fjl.child = u "
    "and o.mimetype = 'application/omero-log-file'"
)


class MetadataService:
    """One method per operation; answers are in no order."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    # -- acquisition --------------------

    def loadChannelAcquisitionData(self, call: Call, ids: list[int]) -> list[Any]:
        """Give logical channels with settings, light paths and filters."""
        return channels(Reader(call), ids)

    def loadInstrument(self, call: Call, id: int) -> Any:
        """Give an instrument with its parts, or None."""
        return instrument(Reader(call), id)

    # -- annotations --------------------

    def loadAnnotations(
        self,
        call: Call,
        rootType: str,
        rootIds: list[int],
        annotationTypes: list[str],
        annotatorIds: list[int],
        options: Any,
    ) -> dict[int, list[Any]]:
        """Give the annotations of objects by the objects' ids.

        Parameters
        ----------
        annotationTypes : list of str
            Full Java class names, which must match exactly; all if empty.
        annotatorIds : list of int
            Owners of the annotations; with these, objects without such annotations are left out.
        """
        if not rootIds:
            return {}
        model, reader = _annotated(rootType), Reader(call)
        join = "left outer join" if not annotatorIds else "join"
        joins = f"{join} o.annotationLinks l {join} l.child a"
        text = f"select o, a from {model.name} o {joins} where o.id in (:ids)"
        if annotatorIds:
            rows = reader.rows(
                f"{text} and a.details.owner.id in (:owners)", ids=rootIds, owners=annotatorIds
            )
        else:
            rows = reader.rows(text, ids=rootIds)
        found: dict[int, list[Any]] = {root.id: [] for root, _ in rows}
        for root, annotation in rows:
            if annotation and (not annotationTypes or annotation.model.java_name in annotationTypes):
                found[root.id].append(_load(reader, annotation))
        return found

    def loadAnnotation(self, call: Call, annotationIds: list[int]) -> list[Any]:
        """Give annotations by id."""
        reader = Reader(call)
        rows = reader.rows("select a from Annotation a where a.id in (:ids)", ids=annotationIds)
        return [_load(reader, annotation) for (annotation,) in rows]

    def loadSpecifiedAnnotations(
        self, call: Call, annotationType: str, include: list[str], exclude: list[str], options: Any
    ) -> list[Any]:
        """Give the annotations of a type with some namespaces and without others.

        File annotations without a file are left out.
        """
        reader = Reader(call)
        rows = _specified(reader, annotationType, include, exclude, Options.read(options))
        if resolve(annotationType).name == "FileAnnotation":
            rows = [row for row in rows if row.get("file") is not None]
        return [_load(reader, row) for row in rows]

    def countSpecifiedAnnotations(
        self, call: Call, annotationType: str, include: list[str], exclude: list[str], options: Any
    ) -> Any:
        """Count the annotations of a type with some namespaces and without others."""
        found = _specified(Reader(call), annotationType, include, exclude, Options.read(options))
        return omero.rtypes.rlong(len(found))

    def loadSpecifiedAnnotationsLinkedTo(
        self,
        call: Call,
        annotationType: str,
        include: list[str],
        exclude: list[str],
        rootNodeType: str,
        rootNodeIds: list[int],
        options: Any,
    ) -> dict[int, list[Any]]:
        """Give the annotations of objects as ``loadSpecifiedAnnotations`` does, by the objects' ids.

        Objects without any are left out; all objects count if there are no ids.
        """
        root, reader = resolve(rootNodeType).name, Reader(call)
        if root not in _ROOTS:
            raise omero.QueryException(None, None, f"Illegal query: no annotations of {root} can be loaded")
        where, values = _conditions(annotationType, include, exclude, Options.read(options))
        if rootNodeIds:
            where.append("l.parent.id in (:roots)")
            values["roots"] = rootNodeIds
        text = f"select l.parent.id, a from {root}AnnotationLink l join l.child a where {' and '.join(where)}"
        found: dict[int, list[Any]] = {}
        for parent, annotation in reader.rows(text, **values):
            found.setdefault(parent, []).append(_load(reader, annotation))
        return found

    def loadAnnotationsUsedNotOwned(self, call: Call, annotationType: str, userID: int) -> list[Any]:
        """Give the annotations that a user has linked but somebody else owns."""
        model, reader = resolve(annotationType), Reader(call)
        used: dict[int, Row] = {}
        for parent in _USED_BY:
            text = (
                f"select a from {parent}AnnotationLink l join l.child a where a.details.owner.id != :user "
                f"and l.details.owner.id = :user and a member of {model.java_name}"
            )
            used |= {row.id: row for (row,) in reader.rows(text, user=userID)}
        return [_load(reader, row) for row in used.values()]

    def countAnnotationsUsedNotOwned(self, call: Call, annotationType: str, userID: int) -> Any:
        """Count the annotations that a user has linked but somebody else owns."""
        return omero.rtypes.rlong(len(self.loadAnnotationsUsedNotOwned(call, annotationType, userID)))

    # -- tags --------------------

    def loadTagContent(self, call: Call, ids: list[int], options: Any) -> dict[int, list[Any]]:
        """Give the images, datasets, plates, projects and screens with a tag, by the tag's id."""
        containers = self.context.get_service("IContainer")
        return {each: tags.content(call, containers, each, options) for each in ids}

    def loadTagSets(self, call: Call, options: Any) -> list[Any]:
        """Give the tag sets with their tags and, if orphans are asked for, the tags in none of these."""
        return tags.tag_sets(Reader(call), Options.read(options))

    def getTaggedObjectsCount(self, call: Call, ids: list[int], options: Any) -> dict[int, int]:
        """Count the images, datasets, projects, screens and plates with a tag, by the tag's id."""
        reader = Reader(call)
        return {each: tags.count(reader, each) for each in ids}

    # -- logs --------------------

    def loadLogFiles(self, call: Call, rootType: str, ids: list[int]) -> dict[int, list[Any]]:
        """Give the import logs of filesets, or of images by their filesets.

        Raises
        ------
        omero.ApiUsageException
            The type is neither.
        """
        name, reader = resolve(rootType).name, Reader(call)
        if name not in {"Image", "Fileset"}:
            raise omero.ApiUsageException(None, None, "can load log files only by Fileset or Image")
        if not ids:
            return {}
        roots = {each: [each] for each in ids} if name == "Fileset" else {}
        if name == "Image":
            for image, fileset in reader.rows(_FILESETS, ids=ids):
                roots.setdefault(fileset, []).append(image)
        found: dict[int, list[Any]] = {}
        for fileset, log in reader.rows(_LOGS, ids=sorted(roots)) if roots else []:
            for root in roots[fileset]:
                found.setdefault(root, []).append(reader.entity(log))
        return found


def _annotated(name: str) -> Type:
    model = resolve(name)
    if not model.is_annotated:
        raise omero.ApiUsageException(None, None, f"{model.java_name} cannot be annotated")
    return model


def _load(reader: Reader, annotation: Row) -> Any:
    """Build an annotation with owner, creation and, of a file annotation, the file."""
    reader.entity(annotation)
    return reader.marshaller.entity(annotation, _PLAN)


def _conditions(
    annotation_type: str, include: list[str], exclude: list[str], options: Options
) -> tuple[list[str], dict[str, Any]]:
    where, values = [f"a member of {resolve(annotation_type).java_name}"], dict[str, Any]()
    if options.owner is not None:
        where.append("a.details.owner.id = :user")
        values["user"] = options.owner
    if include:
        where.append("a.ns in (:include)")
        values["include"] = include
    if exclude:
        where.append("(a.ns is null or a.ns not in (:exclude))")
        values["exclude"] = exclude
    return where, values


def _specified(
    reader: Reader, annotation_type: str, include: list[str], exclude: list[str], options: Options
) -> list[Row]:
    where, values = _conditions(annotation_type, include, exclude, options)
    return [
        row for (row,) in reader.rows(f"select a from Annotation a where {' and '.join(where)}", **values)
    ]
