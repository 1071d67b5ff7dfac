"""The graph of a crate: its entities by ``@id``, and typed access to what strangers wrote."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

from omero_rocrate_transfer.crate import profile
from omero_rocrate_transfer.crate.vocabulary import LEGACY_METADATA, METADATA
from omero_rocrate_transfer.model.errors import GET_AGAIN, UnsafeCrateError
from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omero_rocrate_transfer.crate.entities import Entity

# fmt: off
#: Keys that refer to other entities, or hold one or several words.
_LINKS: Final = frozenset(
    [
        "@type", "about", "affiliation", "audience", "conformsTo", "creator", "encodingFormat",
        "hasFile", "hasMember", "hasPart", "mainEntity", "subjectOf",
    ]
)
#: What is read besides; everything else is forgotten at once, known or not.
_TEXTS: Final = frozenset(
    [
        "@id", "alternateName", "audienceType", "contentSize", "dateCreated", "description", "email",
        "endTime", "familyName", "givenName", "identifier", "md5", "name", "position", "sha1", "sha256",
        "version",
    ]
)
# fmt: on
#: One text per key for all entities.
_KEPT: Final = {key: key for key in (*_LINKS, *_TEXTS)}
#: Characters that no text of OMERO holds: PostgreSQL refuses NUL, and UTF-8 has no half surrogate pairs.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
_DESCRIPTORS: Final = (METADATA, LEGACY_METADATA)


class Graph:
    """Entities by ``@id``.

    Parameters
    ----------
    found
        The items of ``@graph``.

    Raises
    ------
    UnsafeCrateError
        An item is no entity, or two have the same ``@id``.
    """

    def __init__(self, found: Iterable[object]) -> None:
        self.entities: dict[str, Entity] = {}
        for item in found:
            identifier = item.get("@id") if isinstance(item, dict) else None
            if not isinstance(item, dict) or not isinstance(identifier, str):
                raise refuse("its graph holds something that is no entity")
            if identifier in self.entities:
                raise refuse(f"its graph describes {identifier!a:.200} twice")
            self.entities[identifier] = _prune(item)

    def find_root(self) -> Entity:
        """Return the root data entity, once version and profile are known to be readable.

        Raises
        ------
        UnsafeCrateError
            There is none, or the crate is of another kind or a newer version.
        """
        root = self.read_root()
        _check_profile(self._list_profiles(root))
        return root

    def is_ours(self, root: Entity) -> bool:
        """Tell whether the crate claims to conform to our profile, in whatever version."""
        return any(profile.parse_profile(uri) is not None for uri in self._list_profiles(root))

    def _list_profiles(self, root: Entity) -> list[str]:
        descriptor = next((self.entities[name] for name in _DESCRIPTORS if name in self.entities), {})
        return [*list_ids(root, "conformsTo"), *list_ids(descriptor, "conformsTo")]

    def read_root(self) -> Entity:
        """Return the root data entity of any RO-Crate.

        Raises
        ------
        UnsafeCrateError
            There is none, or the crate is of a newer version.
        """
        descriptor = next((self.entities[name] for name in _DESCRIPTORS if name in self.entities), None)
        if descriptor is None:
            raise refuse("its metadata do not describe themselves")
        versions = list_ids(descriptor, "conformsTo")
        if not any(map(profile.READABLE_CRATE.match, versions)):
            raise refuse(f"its metadata are not RO-Crate 1.0 to 1.4 but {', '.join(versions)!a:.200}")
        roots = list_ids(descriptor, "about")
        root = self.entities.get(roots[0]) if len(roots) == 1 else None
        if root is None or "Dataset" not in list_types(root):
            raise refuse("its metadata have no root data entity")
        return root

    def get(self, identifier: str, wanted_by: str) -> Entity:
        """Return an entity that another one refers to."""
        entity = self.entities.get(identifier)
        if entity is None:
            raise refuse(f"{wanted_by!a:.200} refers to {identifier!a:.200}, which is not described")
        return entity


def _prune(item: dict[str, object]) -> Entity:
    """Return what is read of an entity, every text that repeats kept once.

    References become the ``@id`` they hold; a graph of 100,000 images has half a million.
    """
    found: Entity = {}
    for key, value in item.items():
        if key in _LINKS:
            values = value if isinstance(value, list) else [value]
            links = [link.get("@id") if isinstance(link, dict) else link for link in values]
            texts = [sys.intern(link) for link in links if isinstance(link, str)]
            found[_KEPT[key]] = texts[0] if len(texts) == 1 else texts
        elif key in _KEPT:
            found[_KEPT[key]] = value
    if "File" in list_types(found):
        found.pop("description", None)
        if "alternateName" in found:
            found.pop("name", None)
    return found


def _check_profile(uris: list[str]) -> None:
    majors = [major for major in map(profile.parse_profile, uris) if major is not None]
    if not majors:
        raise refuse("it does not conform to the OMERO transfer crate profile")
    if min(majors) > profile.PROFILE_MAJOR:
        raise UnsafeCrateError(
            f"The crate has version {min(majors)} of its profile, {profile.PROFILE_MAJOR} is understood.",
            hint="Update omero-rocrate-transfer.",
        )


def list_types(entity: Entity) -> list[str]:
    """Return the types of an entity, one or several."""
    return list_ids(entity, "@type")


def list_ids(entity: Entity, key: str) -> list[str]:
    """Return the ``@id`` of the entities that one refers to; a plain text counts as one."""
    value = entity.get(key)
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, list) else []


def get_id(entity: Entity, key: str) -> str | None:
    """Return the only reference under a key, None where there is none.

    Raises
    ------
    UnsafeCrateError
        There are several.
    """
    found = list_ids(entity, key)
    if len(found) > 1:
        raise refuse(f"{entity['@id']!a:.200} has several values of {key}")
    return found[0] if found else None


def get_text(entity: Entity, key: str) -> str | None:
    """Return a text, None where there is none."""
    value = entity.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or _NO_TEXT.search(value):
        raise refuse(f"{entity['@id']!a:.200} has a {key} that is no text")
    return value


def get_number(entity: Entity, key: str) -> int:
    """Return a whole number from 0, written as number or as text.

    Raises
    ------
    UnsafeCrateError
        It is missing, or none.
    """
    value = entity.get(key)
    if isinstance(value, str) and re.fullmatch(r"\d{1,19}", value, re.ASCII):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise refuse(f"{entity['@id']!a:.200} has a {key} that is no whole number")
    return value


def find_lsid(entity: Entity) -> tuple[str, ObjectRef] | None:
    """Return host and reference of the OMERO object that an entity describes, None where it is none."""
    identifier = entity.get("identifier")
    return parse_lsid(identifier) if isinstance(identifier, str) else None


def refuse(reason: str, *, hint: str = GET_AGAIN) -> UnsafeCrateError:
    """Return the error for metadata that break a rule."""
    return UnsafeCrateError(f"The crate is not valid: {reason}.", hint=hint)
