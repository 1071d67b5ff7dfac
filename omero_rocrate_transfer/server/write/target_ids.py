"""What the objects of a source became on the target, for a whole run: shared things are made once."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Lock, local
from typing import Final

from omero_rocrate_transfer.model.refs import ObjectRef, parse_lsid

#: Makes objects for LSIDs; returns those it could make.
Create = Callable[[Sequence[str]], Mapping[str, ObjectRef]]


#: Types in LSIDs of which one image may have very many: kept as numbers, in a tenth of the memory.
_MANY: Final = frozenset(("ROI", "Shape"))
#: Host and type on the source, type on the target.
_Kind = tuple[str, str, str]


class _Numbers:
    """From ids to ids, by host and types."""

    def __init__(self) -> None:
        self._made: dict[_Kind, dict[int, int]] = {}

    def get(self, host: str, ref: ObjectRef) -> ObjectRef | None:
        for (its_host, source, target), numbers in self._made.items():
            if (its_host, source) == (host, ref.type) and ref.id in numbers:
                return ObjectRef(target, numbers[ref.id])
        return None

    def add(self, host: str, ref: ObjectRef, made: ObjectRef) -> _Kind:
        kind = host, ref.type, made.type
        self._made.setdefault(kind, {})[ref.id] = made.id
        return kind

    def forget(self, kind: _Kind, ids: Iterable[int]) -> None:
        for number in ids:
            self._made[kind].pop(number, None)


class _Noted:
    """What one thread noted since it may have to be forgotten."""

    def __init__(self) -> None:
        self.lsids: list[str] = []
        self.numbers: dict[_Kind, array[int]] = {}


class TargetIds:
    """From the LSID of an object on its source to the object on the target; safe in several threads."""

    def __init__(self) -> None:
        self._known: dict[str, ObjectRef] = {}
        self._many = _Numbers()
        #: What is being made; None where it could not.
        self._pending: dict[str, Future[ObjectRef | None]] = {}
        self._lock = Lock()
        self._thread = local()

    def get(self, lsid: str) -> ObjectRef | None:
        """Return what a source object became, None where it is not there (yet)."""
        return self._known.get(lsid) or self._find_among_many(lsid)

    def _find_among_many(self, lsid: str) -> ObjectRef | None:
        parsed = parse_lsid(lsid)
        return self._many.get(*parsed) if parsed is not None and parsed[1].type in _MANY else None

    def add(self, made: Mapping[str, ObjectRef]) -> None:
        """Note what became of source objects; what is known already stays."""
        with self._lock:
            for lsid, ref in made.items():
                parsed = parse_lsid(lsid)
                if parsed is not None and parsed[1].type in _MANY:
                    self._add_to_many(*parsed, ref)
                elif lsid not in self._known and lsid not in self._pending:
                    self._known[lsid] = ref
                    self._note(lsid)

    def _add_to_many(self, host: str, ref: ObjectRef, made: ObjectRef) -> None:
        if self._many.get(host, ref) is None:
            kind = self._many.add(host, ref, made)
            noted: _Noted | None = getattr(self._thread, "noted", None)
            if noted is not None:
                noted.numbers.setdefault(kind, array("q")).append(ref.id)

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """Forget what this thread notes in the block if that raises: it is deleted again then."""
        noted = _Noted()
        self._thread.noted = noted
        try:
            yield
        except BaseException:
            self._forget(noted)
            raise
        finally:
            self._thread.noted = None

    def _note(self, lsid: str) -> None:
        noted: _Noted | None = getattr(self._thread, "noted", None)
        if noted is not None:
            noted.lsids.append(lsid)

    def _forget(self, noted: _Noted) -> None:
        with self._lock:
            for lsid in noted.lsids:
                self._known.pop(lsid, None)
            for kind, numbers in noted.numbers.items():
                self._many.forget(kind, numbers)

    def create_once(self, lsids: Sequence[str], create: Create) -> dict[str, ObjectRef]:
        """Return the objects for some LSIDs; makes those that nobody made before or is just making.

        Parameters
        ----------
        create
            Called with the LSIDs that are still to be made, never with none. What it cannot make is for the
            next caller to try again.

        Returns
        -------
        dict
            Without those that could not be made.
        """
        found, mine, others = self._claim(lsids)
        try:
            made = create(mine) if mine else {}
        except BaseException:
            self._release(mine)
            raise
        self._settle(mine, made)
        self._release([lsid for lsid in mine if lsid not in made])
        found |= made
        # Whoever waits has made its own before: so nobody waits in a circle.
        for lsid, future in others.items():
            ref = future.result()
            if ref is not None:
                found[lsid] = ref
        again = [lsid for lsid, future in others.items() if lsid not in found and self._is_open(lsid, future)]
        return found | self.create_once(again, create) if again else found

    def _claim(
        self, lsids: Sequence[str]
    ) -> tuple[dict[str, ObjectRef], list[str], dict[str, Future[ObjectRef | None]]]:
        """Return what is known, what the caller is to make, and what others are making."""
        with self._lock:
            wanted = list(dict.fromkeys(lsids))
            found = {lsid: self._known[lsid] for lsid in wanted if lsid in self._known}
            others = {lsid: self._pending[lsid] for lsid in wanted if lsid in self._pending}
            mine = [lsid for lsid in wanted if lsid not in found and lsid not in others]
            self._pending |= {lsid: Future() for lsid in mine}
        return found, mine, others

    def _settle(self, mine: Sequence[str], made: Mapping[str, ObjectRef]) -> None:
        with self._lock:
            for lsid in mine:
                if lsid in made:
                    self._known[lsid] = made[lsid]
                    self._note(lsid)
                    self._pending.pop(lsid).set_result(made[lsid])

    def _release(self, mine: Sequence[str]) -> None:
        with self._lock:
            for lsid in mine:
                self._pending.pop(lsid).set_result(None)

    def _is_open(self, lsid: str, waited_for: Future[ObjectRef | None]) -> bool:
        """Tell whether whoever was waited for did not make it, so that it is for others to try."""
        with self._lock:
            return self._pending.get(lsid) is not waited_for
