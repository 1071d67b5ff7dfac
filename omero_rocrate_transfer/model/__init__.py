"""What is transferred, in OMERO's words: values only, no input or output."""
