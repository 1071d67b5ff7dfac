"""Pixels of transfer units in a crate: OME-Zarrs beside the other files, and the digests of their planes."""
