"""What OME-XML in a file says becomes rows, as OMEROMetadataStoreClient and the processors make them."""

from __future__ import annotations

import base64
import io
import zlib
from datetime import UTC, datetime
from typing import Any

import numpy as np
import omero
import pytest
import tifffile
from omero.rtypes import rlong, unwrap

XML = """<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
 <Instrument ID="Instrument:0">
  <Microscope Type="Upright" Manufacturer="M"/>
  <Laser ID="LightSource:0" Type="Dye" LaserMedium="Ar" Wavelength="488" WavelengthUnit="nm" Power="3"
   PowerUnit="mW"/>
  <Laser ID="LightSource:1"><Pump ID="LightSource:0"/></Laser>
  <Detector ID="Detector:0" Type="CCD" Offset="2.5" Voltage="700" VoltageUnit="V"/>
  <Objective ID="Objective:0" LensNA="1.4" NominalMagnification="63" Immersion="Oil" WorkingDistance="0.2"
   WorkingDistanceUnit="mm"/>
  <FilterSet ID="FilterSet:0"><ExcitationFilterRef ID="Filter:0"/><DichroicRef ID="Dichroic:0"/>
   <EmissionFilterRef ID="Filter:1"/></FilterSet>
  <Filter ID="Filter:0"><TransmittanceRange CutIn="470" CutInUnit="nm"/></Filter>
  <Filter ID="Filter:1" Type="BandPass"/>
  <Dichroic ID="Dichroic:0" Model="D"/>
 </Instrument>
 <Image ID="Image:0" Name="inner name">
  <AcquisitionDate>2019-04-01T12:30:15.250</AcquisitionDate>
  <Description>from the file</Description>
  <InstrumentRef ID="Instrument:0"/>
  <ObjectiveSettings ID="Objective:0" RefractiveIndex="1.518" Medium="Oil"/>
  <ImagingEnvironment Temperature="37" TemperatureUnit="°C" CO2Percent="0.05">
   <Map><M K="a">1</M></Map></ImagingEnvironment>
  <StageLabel Name="st" X="1.5" XUnit="mm"/>
  <Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="6" SizeY="4" SizeZ="1" SizeC="2" SizeT="1"
   PhysicalSizeX="0.325" PhysicalSizeY="325" PhysicalSizeYUnit="nm" TimeIncrement="2" TimeIncrementUnit="s"
   SignificantBits="7">
   <Channel ID="Channel:0:0" Name="GFP" Color="16711935" EmissionWavelength="509" EmissionWavelengthUnit="nm"
     AcquisitionMode="SpinningDiskConfocal" PinholeSize="1.2" SamplesPerPixel="1">
    <LightSourceSettings ID="LightSource:0" Attenuation="0.4"/>
    <DetectorSettings ID="Detector:0" Gain="3.5" Binning="2x2"/>
    <FilterSetRef ID="FilterSet:0"/>
    <AnnotationRef ID="Annotation:1"/>
    <LightPath><ExcitationFilterRef ID="Filter:0"/><DichroicRef ID="Dichroic:0"/>
     <EmissionFilterRef ID="Filter:1"/></LightPath>
   </Channel>
   <Channel ID="Channel:0:1" SamplesPerPixel="1"/>
   <TiffData IFD="0" PlaneCount="2"/>
   <Plane TheZ="0" TheC="0" TheT="0" DeltaT="0.5" DeltaTUnit="s" PositionX="7"
    PositionXUnit="reference frame"/>
   <Plane TheZ="0" TheC="1" TheT="0"/>
  </Pixels>
  <ROIRef ID="ROI:0"/>
  <AnnotationRef ID="Annotation:0"/>
  <AnnotationRef ID="Annotation:1"/>
 </Image>
 <StructuredAnnotations>
  <XMLAnnotation ID="Annotation:4"><Value><x y="1">t</x></Value></XMLAnnotation>
  <ListAnnotation ID="Annotation:5"><AnnotationRef ID="Annotation:1"/></ListAnnotation>
  <LongAnnotation ID="Annotation:2" Namespace="n"><Value>5</Value></LongAnnotation>
  <TimestampAnnotation ID="Annotation:3"><Value>2020-01-02T03:04:05</Value></TimestampAnnotation>
  <TagAnnotation ID="Annotation:1"><Description>about</Description><Value>tag</Value></TagAnnotation>
  <MapAnnotation ID="Annotation:0" Namespace="ns"><Value><M K="k">v</M><M K="k">w</M></Value></MapAnnotation>
 </StructuredAnnotations>
 <ROI ID="ROI:0" Name="r"><Union>
  <Rectangle ID="Shape:0:0" X="1" Y="2" Width="3" Height="4" TheZ="0" Text="box" StrokeColor="-16776961"
   StrokeWidth="2" StrokeWidthUnit="pixel">
   <Transform A00="1" A10="0" A01="0" A11="1" A02="5" A12="6"/>
  </Rectangle>
  <Polygon ID="Shape:0:1" Points="0,0 1,0 1,1"/>
  <Mask ID="Shape:0:2" X="0" Y="0" Width="8" Height="1">
   <BinData BigEndian="true" Compression="zlib" Length="{length}">{mask}</BinData></Mask>
 </Union><AnnotationRef ID="Annotation:1"/></ROI>
</OME>"""


@pytest.fixture
def imported(importer: Any) -> Any:
    mask = base64.b64encode(zlib.compress(b"\xa5")).decode()
    out = io.BytesIO()
    xml = XML.format(mask=mask, length=len(mask))
    data = np.arange(48, dtype="u1").reshape(2, 4, 6)
    tifffile.imwrite(out, data, description=xml.encode(), metadata=None, photometric="minisblack")
    response = importer({"set.ome.tif": out.getvalue()})
    assert isinstance(response, omero.grid.ImportResponse), response
    return response


def one(client: Any, text: str, number: Any = None) -> Any:
    params = omero.sys.ParametersI()
    if number is not None:
        params.add("id", rlong(number))
    return client.getSession().getQueryService().findByQuery(text, params)


def rows(client: Any, text: str) -> list[list[Any]]:
    return [unwrap(row) for row in client.getSession().getQueryService().projection(text, None)]


def test_the_image_has_the_files_date_description_and_surroundings(imported: Any, root: Any) -> None:
    image = one(
        root,
        "select i from Image i join fetch i.stageLabel join fetch i.imagingEnvironment join fetch i.format "
        "join fetch i.objectiveSettings s join fetch s.objective join fetch s.medium where i.id = :id",
        imported.pixels[0].image.id.val,
    )
    assert image.name.val == "set.ome.tif"
    assert image.description.val == "from the file"
    moment = datetime(2019, 4, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    assert image.acquisitionDate.val == moment.timestamp() * 1000
    assert image.format.value.val == "OMETiff"
    assert (image.stageLabel.name.val, image.stageLabel.positionX.getValue()) == ("st", 1.5)
    assert str(image.stageLabel.positionX.getUnit()) == "MILLIMETER"
    surroundings = image.imagingEnvironment
    assert (surroundings.temperature.getValue(), surroundings.co2percent.val) == (37.0, 0.05)
    assert [(m.name, m.value) for m in surroundings.getMap()] == [("a", "1")]
    settings = image.objectiveSettings
    assert (settings.refractiveIndex.val, settings.medium.value.val) == (1.518, "Oil")
    assert settings.objective.lensNA.val == 1.4


def test_sizes_keep_their_units(imported: Any, root: Any) -> None:
    pixels = one(
        root, "select p from Pixels p join fetch p.dimensionOrder where p.id = :id", imported.pixels[0].id.val
    )
    assert (pixels.physicalSizeX.getValue(), str(pixels.physicalSizeX.getUnit())) == (0.325, "MICROMETER")
    assert (pixels.physicalSizeY.getValue(), str(pixels.physicalSizeY.getUnit())) == (325.0, "NANOMETER")
    assert pixels.physicalSizeZ is None
    assert (pixels.timeIncrement.getValue(), pixels.significantBits.val) == (2.0, 7)
    assert pixels.dimensionOrder.value.val == "XYCZT"


def test_channels_have_names_colours_and_settings(imported: Any, root: Any) -> None:
    pixels = one(
        root,
        "select p from Pixels p join fetch p.channels c join fetch c.logicalChannel l "
        "left outer join fetch l.mode "
        "left outer join fetch l.lightSourceSettings s left outer join fetch s.lightSource "
        "left outer join fetch l.detectorSettings d left outer join fetch d.detector "
        "left outer join fetch d.binning where p.id = :id",
        imported.pixels[0].id.val,
    )
    first, second = pixels.copyChannels()
    assert [c.val for c in (first.red, first.green, first.blue, first.alpha)] == [0, 255, 0, 255]
    logical = first.logicalChannel
    assert (logical.name.val, logical.emissionWave.getValue()) == ("GFP", 509.0)
    assert logical.mode.value.val == "SpinningDiskConfocal"
    assert (logical.lightSourceSettings.attenuation.val, logical.pinHoleSize.getValue()) == (0.4, 1.2)
    assert logical.lightSourceSettings.lightSource.power.getValue() == 3.0
    settings = logical.detectorSettings
    assert (settings.gain.val, settings.binning.value.val, settings.detector.offsetValue.val) == (
        3.5,
        "2x2",
        2.5,
    )
    # The other channel has a colour, so that without one becomes white (ChannelProcessor).
    assert [c.val for c in (second.red, second.green, second.blue)] == [255, 255, 255]
    assert second.logicalChannel.name is None


def test_light_paths_and_filter_sets_keep_their_filters(imported: Any, root: Any) -> None:
    path = one(
        root,
        "select l from LightPath l join fetch l.excitationFilterLink e join fetch e.child f "
        "left outer join fetch f.transmittanceRange join fetch l.emissionFilterLink m join fetch m.child",
    )
    excitation = path.copyExcitationFilterLink()[0].child
    assert excitation.transmittanceRange.cutIn.getValue() == 470.0
    found = rows(root, "select e.child.id from FilterSetExcitationFilterLink e")
    assert found == [[excitation.id.val]]


def test_what_a_file_leaves_out_is_unknown(imported: Any, root: Any) -> None:
    lasers = rows(root, "select t.value, m.value, p.id from Laser l join l.type t join l.laserMedium m "
                        "left outer join l.pump p order by l.id")  # fmt: skip
    assert lasers[0] == ["Dye", "Ar", None]
    assert lasers[1][:2] == ["Unknown", "Unknown"]
    assert lasers[1][2] is not None
    assert rows(root, "select c.value from Objective o join o.correction c") == [["Unknown"]]


def test_planes_of_which_nothing_is_known_are_left_out(imported: Any, root: Any) -> None:
    planes = root.getSession().getQueryService().findAllByQuery("select p from PlaneInfo p", None)
    assert len(planes) == 1
    assert planes[0].deltaT.getValue() == 0.5
    assert str(planes[0].positionX.getUnit()) == "REFERENCEFRAME"


def test_rois_have_their_shapes(imported: Any, root: Any) -> None:
    roi = one(root, "select r from Roi r join fetch r.shapes s left outer join fetch s.transform")
    assert (roi.name.val, roi.image.id.val) == ("r", imported.pixels[0].image.id.val)
    shapes = {type(shape).__name__: shape for shape in roi.copyShapes()}
    box, polygon, mask = (shapes[name] for name in ("RectangleI", "PolygonI", "MaskI"))
    assert (box.x.val, box.height.val, box.textValue.val, box.theZ.val, box.theC) == (
        1.0,
        4.0,
        "box",
        0,
        None,
    )
    assert (box.strokeColor.val, box.strokeWidth.getValue(), box.transform.a12.val) == (-16776961, 2.0, 6.0)
    assert polygon.points.val == "0,0 1,0 1,1"
    assert bytes(mask.bytes) == b"\xa5"


def test_annotations_and_their_links_are_made_once(imported: Any, root: Any) -> None:
    image = one(
        root,
        "select i from Image i join fetch i.annotationLinks l join fetch l.child where i.id = :id",
        imported.pixels[0].image.id.val,
    )
    children = {type(link.child).__name__: link.child for link in image.copyAnnotationLinks()}
    assert set(children) == {"MapAnnotationI", "TagAnnotationI"}
    pairs = children["MapAnnotationI"]
    assert [(m.name, m.value) for m in pairs.getMapValue()] == [("k", "v"), ("k", "w")]
    assert pairs.ns.val == "ns"
    tag = children["TagAnnotationI"]
    assert (tag.textValue.val, tag.description.val) == ("tag", "about")
    for kind in ("Channel", "Roi", "Annotation"):
        assert rows(root, f"select l.child.id from {kind}AnnotationLink l") == [[tag.id.val]]


def test_values_of_all_kinds_of_annotations_come_over(imported: Any, root: Any) -> None:
    assert rows(root, "select a.longValue, a.ns from LongAnnotation a") == [[5, "n"]]
    moment = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp() * 1000
    assert rows(root, "select a.timeValue from TimestampAnnotation a") == [[moment]]
    assert 'y="1">t</' in rows(root, "select a.textValue from XmlAnnotation a")[0][0]


def test_importing_twice_makes_everything_twice(
    imported: Any, importer: Any, root: Any, sandbox: Any
) -> None:
    path = next((sandbox.data_dir / "ManagedRepository").rglob("set.ome.tif"))
    importer({"set.ome.tif": path.read_bytes()})
    assert len(rows(root, "select r.id from Roi r")) == 2
    assert len(rows(root, "select t.id from TagAnnotation t")) == 2


def test_channels_of_a_picture_are_red_green_blue(importer: Any, root: Any) -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, np.zeros((4, 5, 3), "u1"), photometric="rgb", metadata=None)
    pixels = importer({"a.tif": out.getvalue()}).pixels[0].id.val
    names = rows(
        root,
        f"select l.name from Channel c join c.logicalChannel l where c.pixels.id = {pixels} order by c.id",
    )
    assert names == [["Red"], ["Green"], ["Blue"]]


@pytest.mark.parametrize(
    ("channels", "colours"),
    [(1, [(128, 128, 128)]), (4, [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 0)])],
)
def test_channels_without_colours_get_grey_or_red_green_blue(
    importer: Any, root: Any, channels: Any, colours: Any
) -> None:
    importer.fake(f"a&sizeX=4&sizeY=4&sizeC={channels}.fake")
    found = rows(root, "select c.red, c.green, c.blue from Channel c order by c.id")
    assert [tuple(row) for row in found] == colours


def test_namespaces_become_known(imported: Any, root: Any) -> None:
    assert sorted(rows(root, "select n.name from Namespace n where n.name in ('n', 'ns')")) == [["n"], ["ns"]]
