"""What belongs together when objects are deleted, given or moved.

A digest of the rules in omero-blitz ``graph-rules/blitz-{delete,chown,chgrp}-rules.xml``.
"""

from __future__ import annotations

from functools import cache

from omero_sandbox.commands.paths import Path, Paths
from omero_sandbox.db.schema import schema

_PARTS = """
    Image.pixels Pixels.channels Pixels.planeInfo Pixels.settings Pixels.thumbnails
    RenderingDef.projections RenderingDef.quantization RenderingDef.waveRendering
    ChannelBinding.spatialDomainEnhancement
    Instrument.detector Instrument.dichroic Instrument.filter Instrument.filterSet Instrument.lightSource
    Instrument.microscope Instrument.objective Instrument.otf Filter.transmittanceRange
    Experiment.microbeamManipulation
    Fileset.usedFiles Fileset.jobLinks FilesetJobLink.child
    Roi.shapes Plate.wells Plate.plateAcquisitions Well.wellSamples PlateAcquisition.wellSample
"""

_CONTENTS = """
    Project.datasetLinks.child Dataset.imageLinks.child
    Folder.imageLinks.child Folder.roiLinks.child Folder.childFolders
    Screen.plateLinks.child Screen.reagents Well.reagentLinks.child WellSample.image
"""

_SHARED = """
    Image.rois Image.fileset
    Image.imagingEnvironment Image.instrument Image.stageLabel Image.experiment Image.objectiveSettings
    ObjectiveSettings.objective.instrument DetectorSettings.detector.instrument
    LightSettings.lightSource.instrument
    Channel.logicalChannel Channel.statsInfo
    LogicalChannel.detectorSettings LogicalChannel.lightSourceSettings LogicalChannel.lightPath
    Shape.transform
    FileAnnotation.file FilesetEntry.originalFile Roi.source Pixels.pixelsFileMaps.parent
    Job.originalFileLinks.child
"""

_TIES = "Image.fileset.images"

#: Objects that go without a look at the caller's rights, because what they belong to goes.
UNCHECKED = frozenset({
    "RenderingDef", "Thumbnail", "StatsInfo", "ExternalInfo", "OriginalFile", "CommentAnnotation",
    "LongAnnotation", "DoubleAnnotation", "BooleanAnnotation", "TimestampAnnotation", "TermAnnotation",
})  # fmt: skip

#: Annotations that follow an object only if both have the same owner.
OWN_ANNOTATIONS = frozenset({"FileAnnotation", "TagAnnotation"})

_TARGETS = """
    Instrument Annotation Dataset Project Folder Image OriginalFile RenderingDef Thumbnail Experiment Fileset
    Job Roi Plate Reagent Screen
"""
_DELETE_TARGETS = """
    DetectorSettings ImagingEnvironment LightSettings Microscope ObjectiveSettings StageLabel
    TransmittanceRange Channel LogicalChannel ProjectionDef MicrobeamManipulation ExternalInfo
    GroupExperimenterMap Namespace AffineTransform Shape PlateAcquisition Well WellSample StatsInfo
"""


@cache
def parts() -> Paths:
    """Whole to part: a part goes wherever the whole goes."""
    return Paths(_PARTS.split())


@cache
def members() -> Paths:
    """Holder to held: what is held goes when the last of its holders goes."""
    links = [f"{name}.annotationLinks.child" for name in _annotated()]
    return Paths([*_CONTENTS.split(), *_SHARED.split(), *links])


@cache
def contents() -> frozenset[Path]:
    """Return the paths from containers to what they contain."""
    return frozenset(Path.of(text) for text in _CONTENTS.split())


@cache
def ties() -> Paths:
    """Objects that go together or not at all."""
    return Paths([_TIES])


@cache
def targets(*, delete: bool = False) -> frozenset[str]:
    """Concrete types that a request may name; deletion takes more than giving and moving."""
    names = _TARGETS.split() + (_DELETE_TARGETS.split() if delete else [])
    found = {subtype for name in names for subtype in schema().types[name].subtypes}
    return frozenset(found | {each.name for each in schema() if each.is_link and not each.is_global})


@cache
def references_to(root: str) -> tuple[tuple[str, str, bool], ...]:
    """Return type, field and whether it is required, of every reference to a root type."""
    found = {}
    for each in schema():
        for field in each.fields.values():
            if field.kind == "one" and field.target and schema().types[field.target].root == root:
                found[each.root, field.name] = field.required
    return tuple((type_name, name, required) for (type_name, name), required in found.items())


def _annotated() -> list[str]:
    return [each.name for each in schema() if each.is_annotated and each.base is None]
