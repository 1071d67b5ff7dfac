"""``make demo``: pack and unpack between two sandboxes, and compare."""
