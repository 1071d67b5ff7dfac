"""Which objects can be annotated, how links to them are found, and which classes of annotations there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_INSTRUMENTS: Final = "select i.instrument.id from Image i where i.id in (:ids)"
_FILES: Final = "select e.originalFile.id from FilesetEntry e where e.fileset.id in (:ids)"
_ATTACHED: Final = "select a.file.id from FileAnnotation a where a.id in (:ids)"
_LIGHT_PATHS: Final = (
    "select g.lightPath.id from Channel c join c.logicalChannel g where c.pixels.image.id in (:ids)"
)


@dataclass(frozen=True, slots=True)
class Annotatable:
    """A class of OMERO that annotations can be linked to."""

    #: Class in OMERO: ``Roi``; its links are ``RoiAnnotationLink``.
    type: str
    #: Class in the OME schema, the type in its LSIDs: ``ROI``.
    word: str
    #: Class of the objects by whose ids the links are looked for, all of them with one query.
    anchor: str
    #: Condition in HQL on the link ``l``, with ``(:ids)`` of the anchors.
    where: str = "l.parent.id in (:ids)"


#: Anchor of ROIs by the ids of their images; those in pages are looked for by their own ids instead.
IMAGES_OF_ROIS: Final = "Image of ROIs"

#: Everything that travels and can be annotated, the frequent first; annotations themselves come apart.
ANNOTATABLE: Final = (
    *(Annotatable(name, name, name) for name in ("Image", "Project", "Dataset", "Screen", "Plate", "Folder")),
    Annotatable("Fileset", "Fileset", "Fileset"),
    Annotatable("Well", "Well", "Plate", "l.parent.plate.id in (:ids)"),
    Annotatable("PlateAcquisition", "PlateAcquisition", "Plate", "l.parent.plate.id in (:ids)"),
    Annotatable("Reagent", "Reagent", "Screen", "l.parent.screen.id in (:ids)"),
    Annotatable("Channel", "Channel", "Image", "l.parent.pixels.image.id in (:ids)"),
    Annotatable("Roi", "ROI", IMAGES_OF_ROIS, "l.parent.image.id in (:ids)"),
    Annotatable("Shape", "Shape", IMAGES_OF_ROIS, "l.parent.roi.image.id in (:ids)"),
    Annotatable("Roi", "ROI", "ROI"),
    Annotatable("Shape", "Shape", "ROI", "l.parent.roi.id in (:ids)"),
    Annotatable("Instrument", "Instrument", "Image", f"l.parent.id in ({_INSTRUMENTS})"),
    *(
        Annotatable(name, name, "Image", f"l.parent.instrument.id in ({_INSTRUMENTS})")
        for name in ("Detector", "Objective", "LightSource", "Filter", "Dichroic")
    ),
    Annotatable("OriginalFile", "OriginalFile", "Fileset", f"l.parent.id in ({_FILES})"),
    Annotatable("OriginalFile", "OriginalFile", "Annotation", f"l.parent.id in ({_ATTACHED})"),
    # The schema gives these two no ids: the extras say where they are.
    Annotatable("PlaneInfo", "Plane", "Image", "l.parent.pixels.image.id in (:ids)"),
    Annotatable("LightPath", "LightPath", "Image", f"l.parent.id in ({_LIGHT_PATHS})"),
)
#: Class in OMERO by the type in LSIDs, where they differ.
OMERO_TYPES: Final = {"ROI": "Roi", "Plane": "PlaneInfo"}
#: Types whose links are looked for without first asking whether there are any at all.
FREQUENT: Final = frozenset({"Image", "Project", "Dataset", "Screen", "Plate", "Well"})


@dataclass(frozen=True, slots=True)
class AnnotationClass:
    """A class of annotations, in OMERO and in the OME schema."""

    #: ``XmlAnnotation``.
    omero: str
    #: ``XMLAnnotation``.
    ome: str
    #: List in ``StructuredAnnotations``.
    list: str
    #: Field with the value in OMERO; none for a ListAnnotation.
    value: str | None


CLASSES: Final = (
    AnnotationClass("XmlAnnotation", "XMLAnnotation", "xml_annotations", "textValue"),
    AnnotationClass("FileAnnotation", "FileAnnotation", "file_annotations", "file"),
    AnnotationClass("ListAnnotation", "ListAnnotation", "list_annotations", None),
    AnnotationClass("LongAnnotation", "LongAnnotation", "long_annotations", "longValue"),
    AnnotationClass("DoubleAnnotation", "DoubleAnnotation", "double_annotations", "doubleValue"),
    AnnotationClass("CommentAnnotation", "CommentAnnotation", "comment_annotations", "textValue"),
    AnnotationClass("BooleanAnnotation", "BooleanAnnotation", "boolean_annotations", "boolValue"),
    AnnotationClass("TimestampAnnotation", "TimestampAnnotation", "timestamp_annotations", "timeValue"),
    AnnotationClass("TagAnnotation", "TagAnnotation", "tag_annotations", "textValue"),
    AnnotationClass("TermAnnotation", "TermAnnotation", "term_annotations", "termValue"),
    AnnotationClass("MapAnnotation", "MapAnnotation", "map_annotations", "mapValue"),
)
BY_OMERO: Final = {one.omero: one for one in CLASSES}
BY_OME: Final = {one.ome: one for one in CLASSES}
