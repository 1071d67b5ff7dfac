"""Adds up: what arrived and what was said to be left out make up all there was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.worlds.comparison import Difference
from tests.worlds.graph import Graph

#: What goes with another object is not counted apart where that one is left out.
WHOLES = dict.fromkeys(
    (
        *("ChannelBinding", "ProjectionDef"),
        *("ReverseIntensityContext", "PlaneSlicingContext", "ContrastStretchingContext"),
    ),
    "RenderingDef",
)
#: Links of other people arrive, but as those of who unpacks, and images with another owner: none is missing.
OWNERS_ONLY = {"AnnotationLink", "Image.owner"}

#: What a run said to have left out, by class.
Omitted = Counter[str]


def omitted(summaries: Iterable[Mapping[str, Any]]) -> Omitted:
    """Add up the omissions of the summaries of runs."""
    found: Omitted = Counter()
    for summary in summaries:
        assert summary["omitted"] == sum(line["count"] for line in summary["omissions"])
        for line in summary["omissions"]:
            if line["type"] not in OWNERS_ONLY:
                found[line["type"]] += line["count"]
    return found


def total(graph: Graph) -> Counter[str]:
    """Count the objects of each class."""
    return Counter(node.row.type for node in graph.values())


def unaccounted(source: Graph, target: Graph, left_out: Omitted) -> dict[str, tuple[int, int, int]]:
    """Return (in all, carried, omitted) of the classes of which they do not add up."""
    before, after = total(source), total(target)
    return {
        name: (before[name], after[name], left_out[name])
        for name in sorted(before.keys() | after.keys() | left_out.keys())
        # "Pixels.relatedTo" is a reference, and no object
        if "." not in name
        if before[name] != after[name] + left_out[name] and not left_out[WHOLES.get(name, "")]
    }


def unexplained(differences: Sequence[Difference], left_out: Omitted) -> list[str]:
    """Return the differences that no omission stands for: all but objects and references that were named."""
    missing = Counter(each.type for each in differences if each.kind == "missing")
    named = {name for name, count in missing.items() if left_out[name] == count}
    named |= {name for name, whole in WHOLES.items() if whole in named}
    changed = Counter(f"{each.type}.{each.kind}" for each in differences)
    references = {name for name, count in changed.items() if left_out[name] == count}
    return [
        str(each)
        for each in differences
        if (each.kind != "missing" or each.type not in named) and f"{each.type}.{each.kind}" not in references
    ]
