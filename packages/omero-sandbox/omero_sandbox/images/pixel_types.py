"""OMERO's pixel types as numpy dtypes; samples on the wire are big-endian (BfPixelsWrapper)."""

import numpy as np

from omero_sandbox.images.errors import FormatError

DTYPES: dict[str, np.dtype] = {
    "bit": np.dtype("u1"),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
    "int16": np.dtype(">i2"),
    "uint16": np.dtype(">u2"),
    "int32": np.dtype(">i4"),
    "uint32": np.dtype(">u4"),
    "float": np.dtype(">f4"),
    "double": np.dtype(">f8"),
    "complex": np.dtype(">c8"),
    "double-complex": np.dtype(">c16"),
}

_NAMES = {
    "b1": "bit", "i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "i4": "int32", "u4": "uint32",
    "f4": "float", "f8": "double", "c8": "complex", "c16": "double-complex",
}  # fmt: skip


def pixel_type(dtype: np.dtype) -> str:
    """Name OMERO's pixel type for `dtype`; `FormatError` if there is none (half floats, 64-bit integers)."""
    try:
        return _NAMES[f"{dtype.kind}{dtype.itemsize}"]
    except KeyError:
        raise FormatError(f"Pixels of type {dtype} are not supported") from None
