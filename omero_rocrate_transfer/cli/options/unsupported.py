"""Options of omero-cli-transfer that cannot be followed yet: refused with the reason, never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

# OMERO's command line brings its own copy; constants and exceptions of the standard one mean nothing to it.
from omero_ext import argparse

from omero_rocrate_transfer.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Options with their number of values and the reason.
NOT_IN_PACK: Final = (
    ("--barchive", 0, "only RO-Crates are written"),
    ("--simple", 0, "a crate is one flat folder, and its names are made collision-proof"),
    ("--plugin", 1, "plugins of omero-cli-transfer expect its own pack, not a crate"),
    ("--metadata", "+", "the provenance of a crate is always recorded whole"),
    ("--binaries", 1, "a crate without its files could not be unpacked exactly"),
)
NOT_IN_UNPACK: Final = (
    ("--ln_s_import", 0, "files reach the server as a stream, so there is nothing to link to"),
    ("--skip", 1, "every digest is checked, and the server decides about thumbnails and minima"),
    ("--output", 1, "nothing is extracted: files are streamed out of the crate"),
)


class Unsupported(argparse.Action):
    """Notes an option that this version cannot follow, so that it is refused and not passed over."""

    def __init__(self, *, reason: str, **words: Any) -> None:
        super().__init__(**words)
        self.reason = reason

    def __call__(
        self, _parser: Any, namespace: argparse.Namespace, _values: Any, option: str | None = None
    ) -> None:
        """Keep the option and the reason."""
        namespace.refused = [*namespace.refused, (option, self.reason)]


def add_unsupported(parser: argparse.ArgumentParser, options: Sequence[tuple[str, int | str, str]]) -> None:
    """Add options only to refuse them with the reason."""
    for flag, values, reason in options:
        parser.add_argument(
            flag, dest="refused", action=Unsupported, nargs=values, reason=reason, help=argparse.SUPPRESS
        )


def refuse_unsupported(args: argparse.Namespace) -> None:
    """Raise where one of them was given.

    Raises
    ------
    UsageError
    """
    for option, reason in args.refused:
        raise UsageError(f"{option} is not supported: {reason}.", hint="Leave it out.")
