"""Client paths survive the server's trimming (re-stated here from omero-blitz ManagedRepositoryI)."""

from hypothesis import given
from hypothesis import strategies as st

from omero_rocrate_transfer.server.write.client_paths import reader_hint

FOLDERS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=6)
PATHS = st.lists(FOLDERS, min_size=1, max_size=4)


def common_root(paths: list[list[str]]) -> list[str]:
    """``commonRoot``: what all share, but never a last component."""
    root: list[str] = []
    while all(
        len(path) > len(root) + 1 and path[: len(root) + 1] == paths[0][: len(root) + 1] for path in paths
    ):
        root.append(paths[0][len(root)])
    return root


def trim(paths: list[list[str]], hint: str | None) -> list[list[str]]:
    """``trimPaths``; raises where Java's ``subList`` does."""
    root = common_root(paths)
    dropped = min(map(len, paths)) - 3 - 1 if hint is None else len(root)
    if dropped < 0:
        return paths
    if dropped > len(root):
        raise IndexError("fromIndex > toIndex")
    return [path[dropped:] for path in paths]


@given(PATHS)
def test_server_never_fails_on_the_paths_we_send(folders: list[list[str]]) -> None:
    paths = [[*names, f"{place}.tif"] for place, names in enumerate(folders)]

    trimmed = trim(paths, reader_hint(["/".join(path) for path in paths]))

    kept = {tuple(path[len(path) - len(new) :]) for path, new in zip(paths, trimmed, strict=True)}
    assert kept == {tuple(new) for new in trimmed}


@given(PATHS)
def test_paths_up_to_three_folders_deep_come_back_identical(folders: list[list[str]]) -> None:
    paths = [[*names[:3], f"{place}.tif"] for place, names in enumerate(folders)]
    joined = ["/".join(path) for path in paths]

    assert reader_hint(joined) is None
    assert trim(paths, None) == paths


def test_deep_paths_without_a_shared_folder_come_back_identical_with_a_reader_named() -> None:
    paths = ["a/b/c/d/1.tif", "e/f/g/h/2.tif"]

    hint = reader_hint(paths)

    assert hint is not None
    assert trim([path.split("/") for path in paths], hint) == [path.split("/") for path in paths]
