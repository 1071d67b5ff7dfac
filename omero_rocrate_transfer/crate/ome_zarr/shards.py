"""The grid of shards, and in which order a pyramid needs them."""

from __future__ import annotations

from collections.abc import Iterator


def extent(size: tuple[int, int], origin: tuple[int, int], side: int) -> tuple[int, int]:
    """Return height and width of a shard: whole, or what is left at the right and lower edge."""
    return min(side, size[0] - origin[0]), min(side, size[1] - origin[1])


def grid(size: tuple[int, int], side: int) -> Iterator[tuple[int, int]]:
    """Yield row and column of every shard of a level."""
    return ((row, column) for row in range(-(-size[0] // side)) for column in range(-(-size[1] // side)))


def children(size: tuple[int, int], side: int, row: int, column: int) -> Iterator[tuple[int, int]]:
    """Yield row and column of the shards of a level that make one of the next: four, or fewer at the edges.

    Parameters
    ----------
    size
        ``(height, width)`` of the level in pixels.
    side
        Of a shard, pixels.
    row, column
        Of the shard of the next level.
    """
    rows, columns = -(-size[0] // side), -(-size[1] // side)
    for y in (2 * row, 2 * row + 1):
        for x in (2 * column, 2 * column + 1):
            if y < rows and x < columns:
                yield y, x


def z_order(sizes: list[tuple[int, int]], side: int) -> Iterator[tuple[int, int]]:
    """Yield the origins of the largest level's shards in the order in which the levels above need them."""

    def walk(level: int, row: int, column: int) -> Iterator[tuple[int, int]]:
        if level == 0:
            yield row * side, column * side
            return
        for below in children(sizes[level - 1], side, row, column):
            yield from walk(level - 1, *below)

    top = len(sizes) - 1
    for row, column in grid(sizes[top], side):
        yield from walk(top, row, column)
