"""Every option of the commands, each said once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

# OMERO's command line brings its own copy; constants and exceptions of the standard one mean nothing to it.
from omero_ext import argparse

from omero_rocrate_transfer.cli.options.content import (
    PackContent,
    UnpackContent,
    add_pack_content,
    add_unpack_content,
    pack_content,
    unpack_content,
)
from omero_rocrate_transfer.cli.options.limits import add_parallel, add_retries, add_timeout
from omero_rocrate_transfer.cli.options.owners import OwnerOptions, add_owners, owner_options
from omero_rocrate_transfer.cli.options.rate_limit import add_pace, limits
from omero_rocrate_transfer.cli.options.unsupported import (
    NOT_IN_PACK,
    NOT_IN_UNPACK,
    add_unsupported,
    refuse_unsupported,
)
from omero_rocrate_transfer.cli.options.zarr import add_zarr, zarr_options
from omero_rocrate_transfer.model.choices import PixelsAs, PixelsPolicy
from omero_rocrate_transfer.model.errors import UsageError
from omero_rocrate_transfer.model.facts import CC0, CC_BY, NOT_EVALUATED, CrateFacts
from omero_rocrate_transfer.model.refs import ObjectRef, parse_objects
from omero_rocrate_transfer.transfer.journal.runs import check_name
from omero_rocrate_transfer.transfer.rate_limit import Limits

if TYPE_CHECKING:
    from omero_rocrate_transfer.crate.ome_zarr.options import ZarrOptions

MAX_OBJECTS_TOLD: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """What ``pack`` was asked for."""

    objects: tuple[ObjectRef, ...]
    path: Path
    facts: CrateFacts
    dry_run: bool
    parallel: int
    #: Attempts after the first where the connection fails.
    retries: int
    #: Complete the crate without the items that failed.
    ignore_errors: bool
    pixels: PixelsPolicy
    zarr: ZarrOptions
    content: PackContent
    #: How fast it goes and when it begins nothing more.
    limits: Limits
    #: Name of the run, None for the one that belongs to these arguments.
    run: str | None

    @property
    def command(self) -> str:
        """The command for the crate's provenance: without login options, and of the path only the name."""
        objects = " ".join(map(str, self.objects[:MAX_OBJECTS_TOLD]))
        more = " …" if len(self.objects) > MAX_OBJECTS_TOLD else ""
        return f"omero transfer pack --rocrate {objects}{more} {self.path.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackOptions:
    """What ``unpack`` was asked for."""

    path: Path
    #: Use containers of the same name that are there already.
    merge: bool
    #: Container that takes all images, as ``Dataset:5`` or ``Dataset:name:Run1``.
    target: str | None
    #: How pixels without original files go in; None for the way that suits each image.
    pixels_as: PixelsAs | None
    content: UnpackContent
    owners: OwnerOptions
    idmap: Path
    dry_run: bool
    parallel: int
    #: Attempts after the first where the connection fails.
    retries: int
    #: How fast it goes and when it begins nothing more.
    limits: Limits
    #: Name of the run, None for the one that belongs to these arguments.
    run: str | None


def add_login(parser: Any) -> None:
    """Add OMERO's login options, without defaults: what stands before the command then counts too."""
    before = list(parser._actions)  # noqa: SLF001 - argparse names its actions nowhere else
    parser.add_login_arguments()
    for action in parser._actions:  # noqa: SLF001
        if action not in before:
            action.default = argparse.SUPPRESS


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every command that writes takes."""
    parser.add_argument("--dry-run", action="store_true", help="Show the plan and stop")
    add_retries(parser)
    add_timeout(parser)
    parser.add_argument(
        "--run", metavar="NAME", help="Name of the run; the same command goes on with the same run"
    )
    add_parallel(parser)
    add_pace(parser)
    add_output(parser)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add how a command tells what it does."""
    parser.add_argument("--json", action="store_true", help="Write JSON lines to the standard output")
    parser.add_argument(
        "--progress",
        choices=("auto", "block", "lines", "none"),
        default="auto",
        help="How progress is shown: auto, block, lines or none",
    )


def add_pack(parser: argparse.ArgumentParser) -> None:
    """Add what ``pack`` takes."""
    parser.add_argument("object", nargs="+", help="Like Image:1,2 or Dataset:5-9; Project if no class")
    parser.add_argument("filepath", help="Target: ends in .zip or .tar, else a folder")
    parser.add_argument("--rocrate", action="store_true", help="Write an RO-Crate; this is the default")
    parser.add_argument("--rocrate-name", metavar="TEXT", help="Title of the crate")
    parser.add_argument("--rocrate-description", metavar="TEXT", help="Description of the crate")
    parser.add_argument("--rocrate-organism", metavar="TERM", help="Organism, like NCBI:txid9606")
    parser.add_argument("--rocrate-modality", metavar="TERM", help="Imaging method, like obo:FBbi_00000369")
    license_group = parser.add_mutually_exclusive_group()
    license_group.add_argument(
        "--rocrate-license", dest="license", metavar="URL", default=NOT_EVALUATED, help="Licence of the data"
    )
    license_group.add_argument(
        "--cc-by", dest="license", action="store_const", const=CC_BY, help="Licence CC BY 4.0"
    )
    license_group.add_argument(
        "--cc0", dest="license", action="store_const", const=CC0, help="Public domain (CC0 1.0)"
    )
    parser.add_argument(
        "--pixels",
        choices=[policy.value for policy in PixelsPolicy],
        default=PixelsPolicy.ORIGINAL.value,
        help="Original files, else pixels (default); pixels of all; or both",
    )
    add_zarr(parser)
    parser.add_argument("--publisher", metavar="TEXT", help="Who publishes the crate, a name or a ROR URL")
    parser.add_argument(
        "--ignore-errors",
        "--ignore_errors",
        action="store_true",
        help="Complete the crate without failed items",
    )
    parser.add_argument("--zip", action="store_true", help="Has no effect: the ending of the target decides")
    add_pack_content(parser)
    add_unsupported(parser, NOT_IN_PACK)


def add_unpack(parser: argparse.ArgumentParser) -> None:
    """Add what ``unpack`` takes."""
    parser.add_argument("filepath", help="The crate: a folder, a .zip or a .tar")
    add_container_options(parser)
    parser.add_argument(
        "--idmap", metavar="FILE", help="Where to write the new ids (default NAME.idmap.json)"
    )
    add_pixels_as(parser)
    parser.add_argument("--folder", action="store_true", help="Refuse a crate that is no folder")
    add_unpack_content(parser)
    add_owners(parser)
    add_unsupported(parser, NOT_IN_UNPACK)


def add_container_options(parser: argparse.ArgumentParser) -> None:
    """Add which containers on the target are used."""
    parser.add_argument("--merge", action="store_true", help="Use your containers of the same name")
    parser.add_argument(
        "-T", "--target", metavar="CONTAINER", help="Put all images into Dataset:ID or Dataset:name:NAME"
    )


def add_pixels_as(parser: argparse.ArgumentParser) -> None:
    """Add how images are made of pixels."""
    parser.add_argument(
        "--pixels-as",
        choices=[way.value for way in PixelsAs],
        help="How pixels without files go in (default: as suits each image)",
    )


def pack_options(args: argparse.Namespace) -> PackOptions:
    """Return the options of ``pack``.

    Raises
    ------
    UsageError
        They ask for something that cannot be.
    """
    refuse_unsupported(args)
    _refuse_forgotten_path(args.filepath)
    return PackOptions(
        objects=parse_objects(args.object),
        path=Path(args.filepath),
        facts=CrateFacts(
            name=args.rocrate_name,
            description=args.rocrate_description,
            organism=args.rocrate_organism,
            modality=args.rocrate_modality,
            license=args.license,
            publisher=args.publisher,
        ),
        dry_run=args.dry_run,
        parallel=args.parallel,
        retries=args.retries,
        ignore_errors=args.ignore_errors,
        pixels=PixelsPolicy(args.pixels),
        zarr=zarr_options(args),
        content=pack_content(args),
        limits=limits(args),
        run=args.run and check_name(args.run),
    )


def unpack_options(args: argparse.Namespace) -> UnpackOptions:
    """Return the options of ``unpack``.

    Raises
    ------
    UsageError
        They ask for something that cannot be.
    """
    refuse_unsupported(args)
    path = Path(args.filepath)
    if args.folder and path.exists() and not path.is_dir():
        raise UsageError(
            f"{path} is no folder.", hint="Leave --folder out: archives are known by their ending."
        )
    return UnpackOptions(
        path=path,
        merge=args.merge,
        target=args.target,
        pixels_as=args.pixels_as and PixelsAs(args.pixels_as),
        content=unpack_content(args),
        owners=owner_options(args),
        idmap=Path(args.idmap or f"{path.resolve().stem}.idmap.json"),
        dry_run=args.dry_run,
        parallel=args.parallel,
        retries=args.retries,
        limits=limits(args),
        run=args.run and check_name(args.run),
    )


def _refuse_forgotten_path(path: str) -> None:
    """Raise where the last word names an object: then most likely the target was forgotten."""
    try:
        parse_objects([path])
    except UsageError:
        return
    raise UsageError(
        f"{path!r} names an object, but the last word is the target.",
        hint=f"Write ./{path} for such a folder.",
    )
