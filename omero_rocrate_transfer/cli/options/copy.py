"""Options of ``copy``: what ``pack`` says of the source and ``unpack`` of the target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.cli.options.content import (
    PackContent,
    UnpackContent,
    add_copy_content,
    pack_content,
    unpack_content,
)
from omero_rocrate_transfer.cli.options.owners import OwnerOptions, add_owners, owner_options
from omero_rocrate_transfer.cli.options.rate_limit import limits
from omero_rocrate_transfer.cli.options.transfers import add_container_options, add_pixels_as
from omero_rocrate_transfer.cli.servers.target_login import TargetLogin, add_target_login, target_login
from omero_rocrate_transfer.model.choices import PixelsAs, PixelsPolicy
from omero_rocrate_transfer.model.refs import ObjectRef, parse_objects
from omero_rocrate_transfer.transfer.journal.runs import check_name
from omero_rocrate_transfer.transfer.rate_limit import Limits

if TYPE_CHECKING:
    from omero_ext import argparse

#: What can travel without a crate: files where they can be had, or pixels of everything.
_PIXELS: Final = (PixelsPolicy.ORIGINAL, PixelsPolicy.ZARR)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOptions:
    """What ``copy`` was asked for."""

    objects: tuple[ObjectRef, ...]
    to: TargetLogin
    #: Use containers of the same name that are there already.
    merge: bool
    #: Container that takes all images, as ``Dataset:5`` or ``Dataset:name:Run1``.
    target: str | None
    pixels: PixelsPolicy
    #: How pixels without original files go in; None for the way that suits each image.
    pixels_as: PixelsAs | None
    #: What is taken from the source.
    content: PackContent
    #: What is made on the target.
    made: UnpackContent
    owners: OwnerOptions
    #: Where to write the new ids; None for the file named after the run.
    idmap: Path | None
    dry_run: bool
    parallel: int
    #: Attempts after the first where a connection fails.
    retries: int
    #: How fast it goes and when it begins nothing more.
    limits: Limits
    #: Name of the run, None for the one that belongs to these arguments.
    run: str | None


def add_copy(parser: argparse.ArgumentParser) -> None:
    """Add what ``copy`` takes."""
    parser.add_argument("object", nargs="+", help="Like Image:1,2 or Dataset:5-9; Project if no class")
    add_target_login(
        parser, required=True, text="The server to copy to", group="Group there that takes the objects"
    )
    add_container_options(parser)
    parser.add_argument("--idmap", metavar="FILE", help="Where to write the new ids (default RUN.idmap.json)")
    parser.add_argument(
        "--pixels",
        choices=[policy.value for policy in _PIXELS],
        default=PixelsPolicy.ORIGINAL.value,
        help="Original files, else pixels (default); or pixels of all",
    )
    add_pixels_as(parser)
    add_copy_content(parser)
    add_owners(parser)


def copy_options(args: argparse.Namespace) -> CopyOptions:
    """Return the options of ``copy``.

    Raises
    ------
    UsageError
        They ask for something that cannot be.
    """
    return CopyOptions(
        objects=parse_objects(args.object),
        to=target_login(args),
        merge=args.merge,
        target=args.target,
        pixels=PixelsPolicy(args.pixels),
        pixels_as=args.pixels_as and PixelsAs(args.pixels_as),
        content=pack_content(args),
        made=unpack_content(args),
        owners=owner_options(args),
        idmap=Path(args.idmap) if args.idmap is not None else None,
        dry_run=args.dry_run,
        parallel=args.parallel,
        retries=args.retries,
        limits=limits(args),
        run=args.run and check_name(args.run),
    )
