"""Sizes and addresses of RawPixelsStore, all in bytes of the level in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omero_sandbox.images.buffer import PixelBuffer
    from omero_sandbox.net.call import Call


class PixelSizes:
    """Mix-in: arithmetic on the sizes of ``buffer``."""

    @property
    def buffer(self) -> PixelBuffer:
        """The open buffer."""
        raise NotImplementedError

    def getByteWidth(self, call: Call) -> int:
        """Bytes per sample."""
        return self.buffer.byte_width

    def isSigned(self, call: Call) -> bool:
        """Tell whether samples may be negative."""
        return self.buffer.byte_width >= 0 and self.buffer.shape.dtype.kind in "ifc"

    def isFloat(self, call: Call) -> bool:
        """Tell whether samples are floating-point numbers."""
        return self.buffer.byte_width >= 0 and self.buffer.shape.dtype.kind == "f"

    def getRowSize(self, call: Call) -> int:
        """Bytes per row."""
        return self.buffer.size[0] * self.buffer.byte_width

    def getPlaneSize(self, call: Call) -> int:
        """Bytes per plane."""
        return self.buffer.size[1] * self.getRowSize(call)

    def getStackSize(self, call: Call) -> int:
        """Bytes of all z of one c and t."""
        return self.buffer.shape.z * self.getPlaneSize(call)

    def getTimepointSize(self, call: Call) -> int:
        """Bytes of all z and c of one t."""
        return self.buffer.shape.c * self.getStackSize(call)

    def getTotalSize(self, call: Call) -> int:
        """Bytes of the image."""
        return self.buffer.shape.t * self.getTimepointSize(call)

    def getPlaneOffset(self, call: Call, z: int, c: int, t: int) -> int:
        """First byte of a plane in a ROMIO file: the order is XYZCT, whatever the image's."""
        return self.buffer.offset(z, c, t)

    def getRowOffset(self, call: Call, y: int, z: int, c: int, t: int) -> int:
        """First byte of a row."""
        return self.getPlaneOffset(call, z, c, t) + y * self.getRowSize(call)

    def getStackOffset(self, call: Call, c: int, t: int) -> int:
        """First byte of a stack."""
        return self.getPlaneOffset(call, 0, c, t)

    def getTimepointOffset(self, call: Call, t: int) -> int:
        """First byte of a time point."""
        return self.getPlaneOffset(call, 0, 0, t)
