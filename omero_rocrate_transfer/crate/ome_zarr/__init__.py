"""OME-Zarr 0.5 out, any OME-Zarr in."""
