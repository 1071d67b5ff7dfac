"""Which objects a command reaches: the rules applied to the rows that a request names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from omero_sandbox.commands import rules
from omero_sandbox.commands.command import graph_error
from omero_sandbox.commands.options import Options
from omero_sandbox.commands.paths import Path
from omero_sandbox.db.store import Row, Store
from omero_sandbox.net.call import Call


def label(row: Row) -> str:
    """Return the name of an object in messages of rules, such as ``Image[5]``."""
    return f"{row.type}[{row.id}]"


class Policy:
    """What an operation asks of objects that are not named but held by those that go.

    Subclasses say what is considered at all and what the caller may do.
    """

    verb = ""

    def __init__(self, call: Call) -> None:
        self.call = call

    def considers(self, path: Path, holder: Row, held: Row) -> bool:
        """Tell whether ``held`` may follow ``holder``."""
        raise NotImplementedError

    def keeps(self, whole: Row, part: Row) -> bool:
        """Tell whether a part stays although its whole goes."""
        return False

    def permits(self, row: Row) -> bool:
        """Tell whether the caller may do this to the row."""
        raise NotImplementedError


@dataclass
class _Reach:
    """Rows reached so far: ``forced`` by a target or a whole, ``optional`` ones by a holder."""

    chosen: dict[Row, None] = field(default_factory=dict)
    optional: set[Row] = field(default_factory=set)


class Planner:
    """Finds the largest set of rows that a command may take.

    Held rows are first taken all; those that something outside the set holds are then barred, until none is.
    """

    def __init__(self, store: Store, policy: Policy, options: Options) -> None:
        self.store = store
        self.policy = policy
        self.options = options

    def select(self, targets: Iterable[Row]) -> list[Row]:
        """Rows to take, targets first.

        Raises
        ------
        CommandFailedError
            The rules or the caller's rights forbid it.
        """
        targets = list(self._with_images(targets))
        barred: set[Row] = set()
        while True:
            reach = self._expand(targets, barred)
            held_back = {row for row in reach.optional if self._is_held(row, reach.chosen)}
            if not held_back:
                break
            barred |= held_back
        self._check(reach.chosen)
        return list(reach.chosen)

    def _with_images(self, targets: Iterable[Row]) -> Iterator[Row]:
        """Add the images of filesets that are named: unlike a fileset's own rows, they reach it too."""
        for row in targets:
            yield row
            if row.type == "Fileset":
                yield from self.store.children(row, "images")

    def _expand(self, targets: list[Row], barred: set[Row]) -> _Reach:
        reach = _Reach(chosen=dict.fromkeys(targets))
        queue = list(targets)
        while queue:
            row = queue.pop()
            for part in self._parts(row):
                reach.optional.discard(part)
                if part not in reach.chosen:
                    reach.chosen[part] = None
                    queue.append(part)
            for path, held in rules.members().follow(self.store, row):
                if held in reach.chosen or held in barred or not self._considers(path, row, held):
                    continue
                reach.chosen[held] = None
                reach.optional.add(held)
                queue.append(held)
        return reach

    def _parts(self, row: Row) -> Iterator[Row]:
        for _, part in rules.parts().follow(self.store, row):
            if not self.policy.keeps(row, part):
                yield part
        info = None if row.external_info is None else self.store.get("ExternalInfo", row.external_info)
        if info is not None:
            yield info

    def _considers(self, path: Path, holder: Row, held: Row) -> bool:
        wish = self.options.wish(held)
        if wish is False:
            return False
        if wish is True:
            return self.policy.permits(held)
        return self.policy.considers(path, holder, held)

    def _is_held(self, row: Row, chosen: dict[Row, None]) -> bool:
        if any(tied not in chosen for _, tied in rules.ties().follow(self.store, row)):
            return True
        if self.options.wish(row):
            return False
        return any(holder not in chosen for holder in rules.members().back(self.store, row))

    def _check(self, chosen: dict[Row, None]) -> None:
        denied = [row for row in chosen if not self.policy.permits(row)]
        if denied:
            names = ", ".join(f"{row.model.java_name}[{row.id}]" for row in denied)
            raise graph_error(f"not permitted to {self.policy.verb} {names}")
        for row in chosen:
            if row.type == "Image":
                self._check_image(row, chosen)

    def _check_image(self, image: Row, chosen: dict[Row, None]) -> None:
        for _, tied in rules.ties().follow(self.store, image):
            if tied not in chosen:
                fileset = f"Fileset[{image.get('fileset')}]"
                raise graph_error(
                    f"within {fileset} may not {self.policy.verb} {label(image)} while {label(tied)} remains"
                )
        for sample in self.store.referrers("WellSample", "image", image.id):
            if sample not in chosen:
                raise graph_error(f"may not {self.policy.verb} {label(image)} while {label(sample)} remains")
