"""The transfer itself: from any source to any sink. Knows neither OMERO nor RO-Crate."""
