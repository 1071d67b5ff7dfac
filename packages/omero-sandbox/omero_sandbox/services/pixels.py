"""Descriptions of pixels and new images (omero.api.IPixels; ome.logic.PixelsImpl)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import omero
import omero.clients
from omero.rtypes import rint, rlong, rstring

from omero_sandbox.db.marshal import Marshaller, proxy, quantity_object
from omero_sandbox.db.merge import save
from omero_sandbox.db.schema import resolve
from omero_sandbox.images.pixel_types import DTYPES
from omero_sandbox.security.ownership import require_group, require_update
from omero_sandbox.services import pixel_access
from omero_sandbox.services.rendering import SETTINGS_PLAN

if TYPE_CHECKING:
    from omero_sandbox.db.store import Row
    from omero_sandbox.net.call import Call
    from omero_sandbox.net.context import ServiceContext

_DESCRIPTION_PLAN: dict[str, Any] = {
    "pixelsType": {},
    "dimensionOrder": {},
    "image": {},
    "channels": {
        "statsInfo": {},
        "logicalChannel": {
            "illumination": {},
            "mode": {},
            "contrastMethod": {},
            "photometricInterpretation": {},
            "detectorSettings": {"detector": {}},
            "lightSourceSettings": {"lightSource": {}},
            "filterSet": {},
            "lightPath": {},
        },
    },
}
_SHARED = ("objectiveSettings", "imagingEnvironment", "experiment", "stageLabel", "instrument")
"""What a copy of an image refers to instead of copying it."""


class PixelsService:
    """New images are rows; their pixels are written through RawPixelsStore afterwards."""

    def __init__(self, context: ServiceContext) -> None:
        self.context = context

    # -- reading

    def retrievePixDescription(self, call: Call, pixId: int) -> Any:
        """Return Pixels with type, channels, extremes and logical channels; None if there are none."""
        row = call.store.get("Pixels", pixId)
        visible = row is not None and call.can_read(row)
        return (
            Marshaller(call.store, call).entity(row, _DESCRIPTION_PLAN)
            if row is not None and visible
            else None
        )

    def retrieveRndSettings(self, call: Call, pixId: int) -> Any:
        """Return the caller's settings of an image, else the owner's, else None."""
        pixels = pixel_access.load_pixels(call, pixId)
        found = self.retrieveRndSettingsFor(call, pixId, call.user_id)
        return found or self.retrieveRndSettingsFor(call, pixId, -1 if pixels.owner is None else pixels.owner)

    def retrieveRndSettingsFor(self, call: Call, pixId: int, userId: int) -> Any:
        """Return the newest settings of a user; None if there are none."""
        found = self.retrieveAllRndSettings(call, pixId, userId)
        return found[0] if found else None

    def retrieveAllRndSettings(self, call: Call, pixId: int, userId: int) -> list[Any]:
        """List the settings of a user, or of all for a negative id, newest first."""
        rows = [
            row
            for row in call.store.referrers("RenderingDef", "pixels", pixId)
            if call.can_read(row) and (userId < 0 or row.owner == userId)
        ]
        rows.sort(key=lambda row: row.updated, reverse=True)
        return Marshaller(call.store, call).entities(rows, SETTINGS_PLAN)

    def loadRndSettings(self, call: Call, renderingSettingsId: int) -> Any:
        """Return settings by their id; None if there are none."""
        row = call.store.get("RenderingDef", renderingSettingsId)
        readable = row is not None and call.can_read(row)
        return (
            Marshaller(call.store, call).entity(row, SETTINGS_PLAN) if row is not None and readable else None
        )

    def getBitDepth(self, call: Call, type: Any) -> int:
        """Return the bits per sample of a pixel type."""
        name = type.getValue().getValue()
        if name not in DTYPES or name.endswith("complex"):
            raise ValueError(f"Unknown type: '{name}'")
        return 1 if name == "bit" else DTYPES[name].itemsize * 8

    def getEnumeration(self, call: Call, enumClass: str, value: str) -> Any:
        """Return an enumeration value; None if there is none."""
        row = call.store.enum(resolve(enumClass).name, value)
        return None if row is None else Marshaller(call.store, call).entity(row)

    def getAllEnumerations(self, call: Call, enumClass: str) -> list[Any]:
        """List the values of an enumeration."""
        rows = list(call.store.rows(resolve(enumClass).name))
        return Marshaller(call.store, call).entities(rows)

    # -- writing

    def saveRndSettings(self, call: Call, rndSettings: Any) -> None:
        """Save rendering settings."""
        save(call, [rndSettings])

    def setChannelGlobalMinMax(
        self, call: Call, pixelsId: int, channelIndex: int, min: float, max: float
    ) -> None:
        """Set the extremes of a channel."""
        require_group(call)
        channels = call.store.children(pixel_access.load_pixels(call, pixelsId), "channels")
        channel = channels[channelIndex]
        require_update(call, channel)
        values = {"globalMin": min, "globalMax": max}
        with call.store.transaction():
            info = call.store.get("StatsInfo", channel.values.get("statsInfo", -1))
            if info is not None:
                call.store.update(info, values, event=call.event())
                return
            made = call.store.insert(
                "StatsInfo", values, owner=channel.owner, group=channel.group, event=call.event()
            )
            call.store.update(channel, {"statsInfo": made.id}, event=call.event())

    def createImage(
        self,
        call: Call,
        sizeX: int,
        sizeY: int,
        sizeZ: int,
        sizeT: int,
        channelList: list[int],
        pixelsType: Any,
        name: str,
        description: str,
    ) -> Any:
        """Make an image of order XYZCT with nameless channels; of the wavelengths only the number counts.

        Raises
        ------
        omero.ValidationException
            There are no channels, or a value breaks a constraint of the database.
        """
        if not channelList:
            raise omero.ValidationException(None, None, "Channel list must be filled.")
        pixels = omero.model.PixelsI()
        pixels.setPixelsType(pixelsType)
        pixels.setDimensionOrder(self.getEnumeration(call, "DimensionOrder", "XYZCT"))
        pixels.setSha1(rstring("Pending..."))
        for axis, size in zip("XYZCT", (sizeX, sizeY, sizeZ, len(channelList), sizeT), strict=True):
            getattr(pixels, f"setSize{axis}")(rint(size))
        for _ in channelList:
            channel = omero.model.ChannelI()
            channel.setLogicalChannel(omero.model.LogicalChannelI())
            pixels.addChannel(channel)
        image = omero.model.ImageI()
        image.setName(rstring(name))
        image.setDescription(rstring(description))
        image.addPixels(pixels)
        return rlong(save(call, [image])[0].id)

    def copyAndResizeImage(
        self,
        call: Call,
        imageId: int,
        sizeX: Any,
        sizeY: Any,
        sizeZ: Any,
        sizeT: Any,
        channelList: list[int],
        methodology: str,
        copyStats: bool,
    ) -> Any:
        """Make an image like another, called `methodology`; logical channels and instrument are shared."""
        source = call.store.get("Image", imageId)
        if source is None or not call.can_read(source):
            raise omero.ValidationException(None, None, f"No row with the given identifier: Image {imageId}")
        image = omero.model.ImageI()
        image.setName(rstring(methodology))
        if "acquisitionDate" in source.values:
            image.setAcquisitionDate(omero.rtypes.rtime(source.values["acquisitionDate"]))
        for field in _SHARED:
            if field in source.values:
                setattr(image, field, proxy(resolve("Image").fields[field].type, source.values[field]))
        for pixels in call.store.children(source, "pixels"):
            image.addPixels(self._copy(call, pixels, (sizeX, sizeY, sizeZ, sizeT), channelList, copyStats))
        return rlong(save(call, [image])[0].id)

    def copyAndResizePixels(
        self,
        call: Call,
        pixelsId: int,
        sizeX: Any,
        sizeY: Any,
        sizeZ: Any,
        sizeT: Any,
        channelList: list[int],
        methodology: str,
        copyStats: bool,
    ) -> Any:
        """Add pixels like others to the same image."""
        source = pixel_access.load_pixels(call, pixelsId)
        image = self.context.get_service("IQuery").findByQuery(
            call,
            f"select i from Image i left outer join fetch i.pixels where i.id = {source.values['image']}",
            None,
        )
        made = self._copy(call, source, (sizeX, sizeY, sizeZ, sizeT), channelList, copyStats)
        made.setMethodology(rstring(methodology))
        image.addPixels(made)
        save(call, [image])
        return made.getId()

    def _copy(
        self, call: Call, source: Row, sizes: tuple[Any, ...], channels: list[int] | None, stats: bool
    ) -> Any:
        made = omero.model.PixelsI()
        for axis, size in zip("XYZT", sizes, strict=True):
            if size is not None and size.getValue() < 0:
                raise omero.ValidationException(None, None, f"size{axis}: {size.getValue()} <= 0")
            number = source.values[f"size{axis}"] if size is None else size.getValue()
            getattr(made, f"setSize{axis}")(rint(number))
        given = call.store.children(source, "channels")
        wanted = range(len(given)) if channels is None else channels
        if not wanted or not all(0 <= c < len(given) for c in wanted):
            raise omero.ValidationException(None, None, f"channel list {list(wanted)} out of bounds")
        made.setSizeC(rint(len(wanted)))
        made.setSha1(rstring("Pending..."))
        made.setRelatedTo(proxy("Pixels", source.id))
        made.setPixelsType(proxy("PixelsType", source.values["pixelsType"]))
        made.setDimensionOrder(proxy("DimensionOrder", source.values["dimensionOrder"]))
        for field in ("physicalSizeX", "physicalSizeY", "physicalSizeZ"):
            if field in source.values:
                setattr(made, field, quantity_object("Length", source.values[field]))
        for c in wanted:
            made.addChannel(_copy_channel(call, given[c], stats=stats))
        return made


def _copy_channel(call: Call, source: Row, *, stats: bool) -> Any:
    """Copy a channel; without extremes to copy Java meets a null pointer."""
    made = omero.model.ChannelI()
    made.setLogicalChannel(proxy("LogicalChannel", source.values["logicalChannel"]))
    if stats:
        info = call.store.get("StatsInfo", source.values.get("statsInfo", -1))
        if info is None:
            java = "java.lang.NullPointerException"
            raise omero.InternalException(None, java, f" Wrapped Exception: ({java}):\nnull")
        copied = omero.model.StatsInfoI()
        copied.setGlobalMin(omero.rtypes.rdouble(info.values["globalMin"]))
        copied.setGlobalMax(omero.rtypes.rdouble(info.values["globalMax"]))
        made.setStatsInfo(copied)
    return made
