"""The OMERO object model as data: types, fields and enumeration values."""

from omero_sandbox.db.schema.schema import Field, Schema, Type, resolve, schema

__all__ = ["Field", "Schema", "Type", "resolve", "schema"]
