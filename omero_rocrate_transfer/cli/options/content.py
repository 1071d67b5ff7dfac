"""Options about what hangs on images: annotations, figures, private facts, provenance; each said once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omero_rocrate_transfer.model.annotations import AnnotationChoice
from omero_rocrate_transfer.model.provenance import FIELDS, parse_fields

if TYPE_CHECKING:
    from omero_ext import argparse


@dataclass(frozen=True, slots=True, kw_only=True)
class PackContent:
    """What ``pack`` takes along."""

    annotations: AnnotationChoice
    #: OMERO.figures that show only images that travel.
    figures: bool
    #: The addresses of owners.
    emails: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackContent:
    """What ``unpack`` makes beyond the images."""

    figures: bool
    #: Fields of the annotation that says where an image comes from; none for no annotation.
    provenance: tuple[str, ...]


def add_pack_content(parser: argparse.ArgumentParser) -> None:
    """Add what ``pack`` takes."""
    _add_annotations(parser)
    parser.add_argument("--figure", action="store_true", help="OMERO.figures of only these images too")
    parser.add_argument("--with-emails", action="store_true", help="Publish e-mail addresses of owners")
    parser.add_argument(
        "--with-client-paths", action="store_true", help="Publish where attached files came from"
    )


def add_unpack_content(parser: argparse.ArgumentParser) -> None:
    """Add what ``unpack`` takes."""
    parser.add_argument("--figure", action="store_true", help="Restore OMERO.figures, with the new ids")
    _add_metadata(parser)


def add_copy_content(parser: argparse.ArgumentParser) -> None:
    """Add what ``copy`` takes; no server is told of addresses."""
    _add_annotations(parser)
    parser.add_argument("--figure", action="store_true", help="OMERO.figures of only these images too")
    parser.add_argument(
        "--with-client-paths", action="store_true", help="Tell where attached files came from"
    )
    _add_metadata(parser)
    parser.set_defaults(with_emails=False)


def _add_annotations(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--annotations",
        default="all",
        metavar="WHICH",
        help="all (default), none, or namespaces with commas between them",
    )


def _add_metadata(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--metadata",
        nargs="+",
        default=["all"],
        choices=("all", "none", *FIELDS),
        metavar="FIELD",
        help="Provenance to write on images: all (default), none or fields",
    )


def pack_content(args: argparse.Namespace) -> PackContent:
    """Return the options of ``pack``.

    Raises
    ------
    UsageError
        A namespace is empty.
    """
    return PackContent(
        annotations=AnnotationChoice.parse(args.annotations, client_paths=args.with_client_paths),
        figures=args.figure,
        emails=args.with_emails,
    )


def unpack_content(args: argparse.Namespace) -> UnpackContent:
    """Return the options of ``unpack``.

    Raises
    ------
    UsageError
        ``none`` stands beside fields.
    """
    return UnpackContent(figures=args.figure, provenance=parse_fields(args.metadata))
