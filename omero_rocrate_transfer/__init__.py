"""Move images between OMERO servers as RO-Crates: pack, unpack, copy and verify."""

__version__ = "0.1.0.dev0"
