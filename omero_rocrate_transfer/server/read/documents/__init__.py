"""What images hold besides pixels and annotations: read into OME documents, and restored from them."""
