"""Fields of images, channels, planes and instruments (omero-model mappings, OME 2016-06 schema)."""

from __future__ import annotations

from typing import Final

from ome_types import model

from omero_rocrate_transfer.server.mapping.fields import Field, Spec, one, part

_MANUFACTURED: Final = tuple(
    one(name, "text") for name in ("manufacturer", "model", "lotNumber", "serialNumber")
)
_COLOR: Final = tuple(one(name, "int", "") for name in ("red", "green", "blue", "alpha"))


def _lengths(*names: str) -> tuple[Field, ...]:
    return tuple(one(name, "unit:Length") for name in names)


STAGE_LABEL: Final = Spec(
    "StageLabel",
    model.StageLabel,
    (
        one("name", "text", required=True),
        *(one(f"position{axis}", "unit:Length", axis.lower()) for axis in "XYZ"),
    ),
)
ENVIRONMENT: Final = Spec(
    "ImagingEnvironment",
    model.ImagingEnvironment,
    (
        one("temperature", "unit:Temperature"),
        one("airPressure", "unit:Pressure"),
        one("humidity", "float"),
        one("co2percent", "float", "co2_percent"),
        one("map", "map"),
    ),
)
OBJECTIVE_SETTINGS: Final = Spec(
    "ObjectiveSettings",
    model.ObjectiveSettings,
    (
        one("objective", "ref:Objective", "id"),
        one("correctionCollar", "float"),
        one("medium", "enum:Medium"),
        one("refractiveIndex", "float"),
    ),
)
IMAGE: Final = Spec(
    "Image",
    model.Image,
    (
        one("acquisitionDate", "time"),
        one("archived", "bool", ""),
        one("partial", "bool", ""),
        one("instrument", "ref:Instrument", "instrument_ref"),
        one("experiment", "ref:Experiment", "experiment_ref"),
        part("stageLabel", STAGE_LABEL),
        part("imagingEnvironment", ENVIRONMENT),
        part("objectiveSettings", OBJECTIVE_SETTINGS),
    ),
)
PIXELS: Final = Spec(
    "Pixels",
    model.Pixels,
    (
        one("relatedTo", "ref:Pixels", ""),
        one("significantBits", "int"),
        *_lengths("physicalSizeX", "physicalSizeY", "physicalSizeZ"),
        one("timeIncrement", "unit:Time"),
        one("waveStart", "int", ""),
        one("waveIncrement", "int", ""),
        one("methodology", "text", ""),
    ),
)
PLANE: Final = Spec(
    "PlaneInfo",
    model.Plane,
    (
        one("theZ", "natural"),
        one("theC", "natural"),
        one("theT", "natural"),
        one("deltaT", "unit:Time"),
        one("exposureTime", "unit:Time"),
        *_lengths("positionX", "positionY", "positionZ"),
    ),
)
CHANNEL: Final = Spec("Channel", model.Channel, (*_COLOR, one("lookupTable", "text", "")))
DETECTOR_SETTINGS: Final = Spec(
    "DetectorSettings",
    model.DetectorSettings,
    (
        one("detector", "ref:Detector", "id"),
        one("voltage", "unit:ElectricPotential"),
        one("gain", "float"),
        one("offsetValue", "float", "offset"),
        one("readOutRate", "unit:Frequency"),
        one("binning", "enum:Binning"),
        one("integration", "int"),
        one("zoom", "float"),
    ),
)
LIGHT_SETTINGS: Final = Spec(
    "LightSettings",
    model.LightSourceSettings,
    (
        one("lightSource", "ref:LightSource", "id"),
        one("attenuation", "float"),
        one("wavelength", "unit:Length"),
        one("microbeamManipulation", "ref:MicrobeamManipulation", ""),
    ),
)
LIGHT_PATH: Final = Spec(
    "LightPath",
    model.LightPath,
    (
        one("dichroic", "ref:Dichroic", "dichroic_ref"),
        one("excitationFilterLink", "links:Filter", "excitation_filters"),
        one("emissionFilterLink", "links:Filter", "emission_filters"),
    ),
)
LOGICAL_CHANNEL: Final = Spec(
    "LogicalChannel",
    model.Channel,
    (
        one("name", "text"),
        one("pinHoleSize", "unit:Length", "pinhole_size"),
        one("illumination", "enum:Illumination", "illumination_type"),
        one("contrastMethod", "enum:ContrastMethod"),
        one("excitationWave", "unit:Length", "excitation_wavelength"),
        one("emissionWave", "unit:Length", "emission_wavelength"),
        one("fluor", "text"),
        one("ndFilter", "float"),
        one("samplesPerPixel", "int"),
        one("photometricInterpretation", "enum:PhotometricInterpretation", ""),
        one("mode", "enum:AcquisitionMode", "acquisition_mode"),
        one("pockelCellSetting", "int"),
        one("otf", "ref:OTF", ""),
        one("filterSet", "ref:FilterSet", "filter_set_ref"),
        part("detectorSettings", DETECTOR_SETTINGS),
        part("lightSourceSettings", LIGHT_SETTINGS),
        part("lightPath", LIGHT_PATH),
    ),
)

MICROSCOPE: Final = Spec("Microscope", model.Microscope, (*_MANUFACTURED, one("type", "enum:MicroscopeType")))
OBJECTIVE: Final = Spec(
    "Objective",
    model.Objective,
    (
        *_MANUFACTURED,
        one("nominalMagnification", "float"),
        one("calibratedMagnification", "float"),
        one("lensNA", "float", "lens_na"),
        one("immersion", "enum:Immersion"),
        one("correction", "enum:Correction"),
        one("workingDistance", "unit:Length"),
        one("iris", "bool"),
    ),
)
DETECTOR: Final = Spec(
    "Detector",
    model.Detector,
    (
        *_MANUFACTURED,
        one("voltage", "unit:ElectricPotential"),
        one("gain", "float"),
        one("offsetValue", "float", "offset"),
        one("zoom", "float"),
        one("amplificationGain", "float"),
        one("type", "enum:DetectorType"),
    ),
)
_SOURCE: Final = (*_MANUFACTURED, one("power", "unit:Power"))
LIGHT_SOURCES: Final = (
    Spec("Arc", model.Arc, (*_SOURCE, one("type", "enum:ArcType"))),
    Spec("Filament", model.Filament, (*_SOURCE, one("type", "enum:FilamentType"))),
    Spec("LightEmittingDiode", model.LightEmittingDiode, _SOURCE),
    Spec("GenericExcitationSource", model.GenericExcitationSource, (*_SOURCE, one("map", "map"))),
    Spec(
        "Laser",
        model.Laser,
        (
            *_SOURCE,
            one("type", "enum:LaserType"),
            one("laserMedium", "enum:LaserMedium"),
            one("frequencyMultiplication", "int"),
            one("tuneable", "bool"),
            one("pulse", "enum:Pulse"),
            one("wavelength", "unit:Length"),
            one("pockelCell", "bool"),
            one("repetitionRate", "unit:Frequency"),
            one("pump", "ref:LightSource"),
        ),
    ),
)
TRANSMITTANCE: Final = Spec(
    "TransmittanceRange",
    model.TransmittanceRange,
    (
        *_lengths("cutIn", "cutOut", "cutInTolerance", "cutOutTolerance"),
        one("transmittance", "float"),
    ),
)
FILTER: Final = Spec(
    "Filter",
    model.Filter,
    (
        *_MANUFACTURED,
        one("filterWheel", "text"),
        one("type", "enum:FilterType"),
        part("transmittanceRange", TRANSMITTANCE),
    ),
)
DICHROIC: Final = Spec("Dichroic", model.Dichroic, _MANUFACTURED)
FILTER_SET: Final = Spec(
    "FilterSet",
    model.FilterSet,
    (
        *_MANUFACTURED,
        one("dichroic", "ref:Dichroic", "dichroic_ref"),
        one("excitationFilterLink", "links:Filter", "excitation_filters"),
        one("emissionFilterLink", "links:Filter", "emission_filters"),
    ),
)
#: OME 2016-06 has no element for it.
OTF: Final = Spec(
    "OTF",
    None,
    (
        one("sizeX", "positive", ""),
        one("sizeY", "positive", ""),
        one("opticalAxisAveraged", "bool", ""),
        one("pixelsType", "enum:PixelsType", ""),
        one("path", "text", ""),
        one("filterSet", "ref:FilterSet", ""),
        one("objective", "ref:Objective", ""),
    ),
)
#: Parts of an instrument in the order in which they can be created: none refers to a later one.
PARTS: Final = (OBJECTIVE, DETECTOR, *LIGHT_SOURCES, DICHROIC, FILTER, FILTER_SET, OTF)

EXPERIMENT: Final = Spec(
    "Experiment", model.Experiment, (one("type", "enums:ExperimentType"), one("description", "text"))
)
#: OME 2016-06 has an element for it, but not without a ROI, which OMERO does not know of it.
MICROBEAM: Final = Spec(
    "MicrobeamManipulation",
    None,
    (one("type", "enum:MicrobeamManipulationType", ""), one("description", "text", "")),
)
