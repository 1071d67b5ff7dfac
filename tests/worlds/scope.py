"""What of a server a transfer of everything has to take along."""

from __future__ import annotations

from collections import defaultdict

from tests.worlds.graph import Graph, Key, Node

_ROOTS = frozenset(("Project", "Dataset", "Screen", "Plate", "Image"))
#: Links that lead from what is linked to what it is in.
_UPWARDS = frozenset(("FolderImageLink", "FolderRoiLink"))
#: Objects that do not come along with what they refer to.
_NOT_OWNED = frozenset(("Folder", "Annotation"))


def in_scope(graph: Graph) -> Graph:
    """Keep what belongs to projects, datasets, screens, plates and images.

    Folders come with the images and ROIs in them or below, instruments and experiments with the images
    that use them, annotations with what they are on, tag sets with their tags. The rest nobody asked for.
    """
    pointing: dict[Key, list[Node]] = defaultdict(list)
    for node in graph.values():
        for _, target in node.edges:
            pointing[target].append(node)
    kept: Graph = {}
    queue = [node for node in graph.values() if node.key[0] in _ROOTS]
    while queue:
        node = queue.pop()
        if node.key in kept:
            continue
        kept[node.key] = node
        queue += [graph[target] for _, target in node.edges]
        queue += [other for other in pointing[node.key] if _comes_along(other, node, graph)]
    return kept


def _comes_along(other: Node, node: Node, graph: Graph) -> bool:
    """Tell whether an object belongs to one that it refers to."""
    if other.key[0] == "MicrobeamManipulation":
        # not with the light that it takes from an instrument
        return node.key[0] == "Experiment"
    if not other.row.model.is_link:
        return other.key[0] not in _NOT_OWNED
    ends = dict(other.edges)
    if other.row.type in _UPWARDS:
        return ends["child"] == node.key
    if other.row.type == "AnnotationAnnotationLink" and ends["parent"] != node.key:
        return graph[ends["parent"]].row.type == node.row.type == "TagAnnotation"
    return any(label.startswith("parent") and target == node.key for label, target in other.edges)
