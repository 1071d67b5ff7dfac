"""Metadata of the distribution; the tools' settings are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
PACKAGE = "omero_rocrate_transfer"
INIT = (HERE / PACKAGE / "__init__.py").read_text("utf-8")
VERSION = re.search(r'^__version__ = "(.+)"$', INIT, re.MULTILINE)

#: The demo, between two servers in Python (``packages/omero-sandbox``).
DEMO = [
    "omero-sandbox>=0.1.0.dev0",
    "requests>=2.31",
    "requests-cache>=1.2",
    "roc-validator>=0.6",
    "rocrate>=0.13",
    "urllib3>=2",
]
#: Points the ids in OMERO.tables to the new objects.
TABLES = ["h5py>=3.8"]
TEST = [
    *DEMO,
    *TABLES,
    "ezomero>=3.1",
    "hypothesis>=6.120",
    "jsonschema>=4.18",
    "ngff-zarr>=0.50",
    "ome-zarr>=0.12",
    "ome-zarr-models>=1.5",
    "pytest>=8",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.5",
    "sphinx>=7.3",
    # the test of the packages builds them with the modules of this environment
    "setuptools>=70.1",
    # ome-types validates with it; xmlschema fails at light sources
    "lxml>=5",
]
#: Coverage-guided fuzzing of the parsers; hypothesis does without.
FUZZ = [*TEST, "atheris>=2.3"]
DEV = [*TEST, "mypy>=1.11", "pre-commit>=3.7", "pytest-cov>=5", "ruff>=0.9", "towncrier>=23.11"]

setup(
    name="omero-rocrate-transfer",
    version=VERSION[1],
    description="Packs images of an OMERO server into an RO-Crate and unpacks them on another server",
    long_description=(HERE / "README.rst").read_text("utf-8"),
    long_description_content_type="text/x-rst",
    license="GPL-2.0-or-later",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Processing",
        "Typing :: Typed",
    ],
    keywords=["OMERO", "RO-Crate", "OME-Zarr", "OME-XML", "microscopy", "FAIR"],
    python_requires=">=3.11",
    # A static "." makes an editable install one line in a .pth file: the omero command looks for plugins in
    # the folders of sys.path (omero-py, CLI.loadplugins), so it would not see one behind an import hook.
    package_dir={"": "."},
    # omero and omero.plugins have no __init__.py here: those of omero-py own these packages.
    packages=["omero.plugins", *find_packages(include=[PACKAGE, f"{PACKAGE}.*"])],
    package_data={PACKAGE: ["py.typed", "**/*.json", "**/*.lark", "**/*.txt"]},
    zip_safe=False,
    install_requires=[
        "numcodecs>=0.14",
        "numpy>=1.26",
        "ome-types>=0.6",
        "omero-py>=5.19",
        "pydantic>=2.5",
        "rich>=13",
        "tifffile>=2024.7.2",
        "xsdata>=24.2.1",
        "zarr>=3.0.4",
    ],
    extras_require={"tables": TABLES, "demo": DEMO, "test": TEST, "dev": DEV, "fuzz": FUZZ},
)
