"""Settings of Sphinx for this documentation."""

from omero_rocrate_transfer import __version__

project = "omero-rocrate-transfer"
author = "The omero-rocrate-transfer developers"
release = __version__
html_theme = "alabaster"
html_theme_options = {"description": "OMERO images in RO-Crates", "fixed_sidebar": True}
exclude_patterns = ["_build"]
# A reference to something that is not there is an error (make docs, tests/test_docs.py).
nitpicky = True
