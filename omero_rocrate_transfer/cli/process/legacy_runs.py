"""Runs that version 0.1.0.dev0 began: their names and fingerprints, so that their journals can be resumed.

That version made both of the text of its options, as Python prints them. The formats are written out here,
because options have changed since.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from omero_rocrate_transfer.transfer.plan import digest_contents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omero_rocrate_transfer.cli.options.content import PackContent, UnpackContent
    from omero_rocrate_transfer.cli.options.copy import CopyOptions
    from omero_rocrate_transfer.cli.options.owners import OwnerOptions
    from omero_rocrate_transfer.cli.options.transfers import PackOptions, UnpackOptions
    from omero_rocrate_transfer.model.contents import Contents, SourceInfo
    from omero_rocrate_transfer.model.facts import CrateFacts


def legacy_pack(chosen: PackOptions) -> tuple[str, dict[str, str]]:
    """Return the name and the options of the run of a pack."""
    layout = chosen.zarr.layout
    options = {
        "facts": _facts(chosen.facts),
        "pixels": chosen.pixels.value,
        "zarr": f"ZarrOptions(layout=ZarrLayout(chunk={layout.chunk}, shard={layout.shard}, "
        f"compression={layout.compression!r}))",
        "content": _pack_content(chosen.content),
    }
    words = [*map(str, chosen.objects), *_words(options), str(chosen.path.absolute())]
    return _name("pack", words), options


def legacy_unpack(chosen: UnpackOptions, target: SourceInfo, user: str) -> tuple[str, dict[str, str]]:
    """Return the name and the options of the run of an unpack."""
    options = {
        "merge": str(chosen.merge),
        "target": str(chosen.target),
        "pixels_as": str(chosen.pixels_as),
        "content": _unpack_content(chosen.content),
        "owners": _owners(chosen.owners),
    }
    words = [target.database_uuid, user, *_words(options), str(chosen.path.absolute())]
    return _name("unpack", words), options | {"database": target.database_uuid, "user": user}


def legacy_copy(
    chosen: CopyOptions, source: SourceInfo, target: SourceInfo, user: str
) -> tuple[str, dict[str, str]]:
    """Return the name and the options of the run of a copy."""
    options = {
        "merge": str(chosen.merge),
        "target": str(chosen.target),
        "pixels": chosen.pixels.value,
        "pixels_as": str(chosen.pixels_as),
        "content": _pack_content(chosen.content),
        "made": _unpack_content(chosen.made),
        "owners": _owners(chosen.owners),
    }
    first, *others = map(str, chosen.objects)
    here = [source.database_uuid, target.database_uuid, user, str(chosen.to.group)]
    name = _name("copy", [*here, *_words(options), *others, first])
    return name, options | {"database": target.database_uuid, "user": user}


def legacy_fingerprint(contents: Contents, options: Mapping[str, str]) -> str:
    """Return the fingerprint of such a run."""
    return digest_contents(contents, options)


def _name(command: str, words: list[str]) -> str:
    digest = hashlib.sha256("\0".join((command, *words)).encode("utf-8", "surrogateescape")).hexdigest()
    shown = re.sub(r"[^A-Za-z0-9._-]+", "-", words[-1].rstrip("/").rpartition("/")[2])[:40].strip("-.")
    return "-".join(part for part in (command, shown, digest[:8]) if part)


def _words(options: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in options.items()]


def _facts(facts: CrateFacts) -> str:
    return (
        f"CrateFacts(name={facts.name!r}, description={facts.description!r}, organism={facts.organism!r}, "
        f"modality={facts.modality!r}, license={facts.license!r}, publisher={facts.publisher!r})"
    )


def _pack_content(content: PackContent) -> str:
    chosen = content.annotations
    annotations = f"AnnotationChoice(namespaces={chosen.namespaces!r}, client_paths={chosen.client_paths!r})"
    return f"PackContent(annotations={annotations}, figures={content.figures!r}, emails={content.emails!r})"


def _unpack_content(content: UnpackContent) -> str:
    return f"UnpackContent(figures={content.figures!r}, provenance={tuple(content.provenance)!r})"


def _owners(owners: OwnerOptions) -> str:
    return f"OwnerOptions(as_owner={owners.as_owner!r}, user_map={tuple(owners.user_map)!r})"
