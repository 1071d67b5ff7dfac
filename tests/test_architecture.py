"""The rules of the layout, read from the syntax trees of the package (docs/architecture.rst)."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "omero_rocrate_transfer"
SANDBOX = "omero_sandbox"
SANDBOX_ROOT = ROOT / "packages" / "omero-sandbox" / SANDBOX

#: What each part may import of the package itself: downwards only.
MAY_IMPORT = {
    "model": {"model"},
    "transfer": {"model", "transfer"},
    "server": {"model", "transfer", "server"},
    "crate": {"model", "transfer", "crate"},
    # A server imitates OMERO, not our client: it must not share code, and mistakes, with it.
    "sandbox": {"sandbox"},
    "cli": {"model", "transfer", "server", "crate", "cli"},
}
#: The rooms of the server package, from the bottom up; a room imports only itself and those before it.
SERVER_ROOMS = ("session", "mapping", "read", "write")
#: Libraries that only these parts know.
ONLY_IN = {
    "Glacier2": {"server", "sandbox"},
    "Ice": {"server", "sandbox"},
    "omero": {"server", "sandbox", "cli"},
    "lark": {"sandbox"},
    "rich": {"cli"},
    "rocrate": {"crate"},
    "tifffile": {"sandbox", "server"},
    "zarr": {"crate"},
}
PRINTS = {"cli/output/render.py", "sandbox/__main__.py"}
SLEEPS = {"transfer/retry.py"}
#: OMERO's own algorithms: our client compares with them, the sandbox offers them.
WEAK_DIGESTS = {"model/digests.py", "sandbox"}
#: Where services that take one call at a time are opened, and calls are sent without waiting for the answer.
STATEFUL = {"server/session/stateful.py", "sandbox"}
OPENS_SERVICE = re.compile(
    r"begin_\w+|create(\w+(Store|Engine|Exporter)|Exporter|SearchService|JobHandle|ByName|Share\w*)"
    r"|acquireProcessor|getUploader|importFileset|importPaths|fileById|openTable|newTable"
)
#: Methods of ours whose names begin like that.
OURS = {"begin_close"}
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60

Found = Iterator[tuple[int, str]]


def sources() -> list[Path]:
    return [*sorted((ROOT / PACKAGE).rglob("*.py")), *sorted(SANDBOX_ROOT.rglob("*.py"))]


def name_of(path: Path) -> str:
    """Return the path in its package; that of a file of the sandbox begins with ``sandbox/``."""
    if path.is_relative_to(SANDBOX_ROOT):
        return f"sandbox/{path.relative_to(SANDBOX_ROOT).as_posix()}"
    return path.relative_to(ROOT / PACKAGE).as_posix()


def part_of(name: str) -> str:
    return name.partition("/")[0]


def is_in(name: str, places: set[str]) -> bool:
    return name in places or part_of(name) in places


def imported(tree: ast.AST, name: str) -> Found:
    """Yield line and absolute name of every import, those for types and inside functions too."""
    package = [PACKAGE, *name.split("/")[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # "from package import part" names a part only in its last word
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def lines_for_types(tree: ast.AST) -> set[int]:
    """Return the lines below ``if TYPE_CHECKING:``, which cost nothing when the program runs."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    blocks = [node for node in blocks if getattr(node.test, "id", "") == "TYPE_CHECKING"]
    return {line for node in blocks for line in range(node.lineno, (node.end_lineno or 0) + 1)}


def wrong_imports(tree: ast.AST, name: str) -> Found:
    part = part_of(name)
    if part not in MAY_IMPORT:
        return
    known = sys.stdlib_module_names | {"ome_types", "pydantic"}
    for line, module in imported(tree, name):
        top, _, rest = module.partition(".")
        if top in {PACKAGE, SANDBOX}:
            target = "sandbox" if top == SANDBOX else rest.split(".")[0]
            if target in MAY_IMPORT and target not in MAY_IMPORT[part]:
                yield line, f"{part} must not import {target}"
        elif part not in ONLY_IN.get(top, {part}):
            yield line, f"{part} must not import {top}"
        elif part == "model" and top not in known and line not in lines_for_types(tree):
            yield line, f"model imports the standard library, ome_types and its pydantic only, not {top}"


def wrong_rooms(tree: ast.AST, name: str) -> Found:
    """Yield the imports from a room of the server package into one above it."""
    part, _, rest = name.partition("/")
    room = rest.partition("/")[0]
    if part != "server" or room not in SERVER_ROOMS:
        return
    for line, module in imported(tree, name):
        words = module.split(".")
        above = SERVER_ROOMS[SERVER_ROOMS.index(room) + 1 :]
        if words[:2] == [PACKAGE, "server"] and words[2] in above:
            yield line, f"server/{room} must not import server/{words[2]}"


def called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def strips_letters(node: ast.Call) -> bool:
    """Tell whether the call strips a set of letters where a prefix or suffix is meant."""
    given = node.args[0] if node.args else None
    return (
        called(node) in {"strip", "lstrip", "rstrip"}
        and isinstance(given, ast.Constant)
        and isinstance(given.value, str)
        and len(given.value) > 1
        and any(letter.isalnum() for letter in given.value)
    )


def banned_calls(tree: ast.AST, name: str) -> Found:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        call = called(node)
        if strips_letters(node):
            yield node.lineno, f"{call} takes a set of letters: use removeprefix or removesuffix"
        if call in {"commonprefix", "extractall", "unpack_archive", "system"}:
            yield node.lineno, f"{call} is unsafe"
        if any(
            word.arg == "shell" and getattr(word.value, "value", True) is not False for word in node.keywords
        ):
            yield node.lineno, "shell= runs what a name may contain"
        if call in {"print", "pprint"} and name not in PRINTS:
            yield node.lineno, "only the renderer prints"
        if call == "sleep" and name not in SLEEPS:
            yield node.lineno, "wait on an event instead of sleeping"
        if call in {"md5", "sha1"} and not is_in(name, WEAK_DIGESTS):
            yield node.lineno, f"{call} only serves to compare with OMERO's own digests"


def opened_services(tree: ast.AST, name: str) -> Found:
    """Yield the calls by which a stateful service could be called twice at once, or be left open."""
    if is_in(name, STATEFUL) or part_of(name) != "server":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and OPENS_SERVICE.fullmatch(node.attr) and node.attr not in OURS:
            yield node.lineno, f"{node.attr} stands in server/session/stateful.py only"


def too_long(tree: ast.AST, _name: str) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {lines} lines, {MAX_FUNCTION_LINES} are allowed"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_file_keeps_the_rules(path: Path) -> None:
    text, name = path.read_text("utf-8"), name_of(path)
    tree = ast.parse(text)

    found = [
        *wrong_imports(tree, name),
        *banned_calls(tree, name),
        *opened_services(tree, name),
        *too_long(tree, name),
    ]

    assert [f"{name}:{line}: {why}" for line, why in sorted(found)] == []
    assert len(text.splitlines()) <= MAX_FILE_LINES, f"{name} should be split"


def test_every_part_has_a_rule() -> None:
    parts = {part_of(name_of(path)) for path in sources() if path.parent != ROOT / PACKAGE}

    assert parts == set(MAY_IMPORT)


def test_exceptions_name_files_that_are_there() -> None:
    names = {name_of(path) for path in sources()} | set(MAY_IMPORT)

    assert names >= PRINTS | WEAK_DIGESTS | STATEFUL


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("model/a.py", "import numpy"),
        ("model/a.py", "from ..transfer import run"),
        ("transfer/a.py", "from omero_rocrate_transfer import server"),
        ("transfer/a.py", "def f():\n    import omero.gateway"),
        ("transfer/a.py", "from omero_rocrate_transfer.crate.names import safe_name"),
        ("crate/a.py", "import Ice"),
        ("crate/sub/a.py", "from ...server import session"),
        ("server/a.py", "import rich.progress"),
        ("sandbox/a.py", "from omero_rocrate_transfer.model.digests import new_digest"),
        ("server/a.py", "from omero_sandbox.server import SandboxServer"),
    ],
)
def test_an_import_upwards_is_found(name: str, code: str) -> None:
    assert list(wrong_imports(ast.parse(code), name))


def test_an_arrow_upwards_between_the_rooms_of_the_server_is_found() -> None:
    code = "from omero_rocrate_transfer.server.write.sink import ServerSink"

    assert list(wrong_rooms(ast.parse(code), "server/read/a.py"))
    assert not list(wrong_rooms(ast.parse(code), "server/write/a.py"))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("model/a.py", "import hashlib, ome_types.model\nif TYPE_CHECKING:\n    import numpy"),
        ("transfer/a.py", "from .events import Event\nimport numpy"),
        ("server/a.py", "import omero, Ice\nfrom ..transfer.ports import Sink"),
        ("cli/a.py", "from omero_rocrate_transfer.server import session"),
    ],
)
def test_an_import_downwards_passes(name: str, code: str) -> None:
    assert list(wrong_imports(ast.parse(code), name)) == []


@pytest.mark.parametrize(
    "code",
    [
        "name.rstrip('.ome')",
        "archive.extractall('x')",
        "run('ls', shell=True)",
        "print('x')",
        "time.sleep(1)",
        "hashlib.sha1(b'')",
        "os.path.commonprefix([])",
    ],
)
def test_a_banned_call_is_found(code: str) -> None:
    assert list(banned_calls(ast.parse(code), "transfer/a.py"))


@pytest.mark.parametrize("code", ["path.rstrip('/\\\\')", "run(['ls'], shell=False)", "event.wait(1)"])
def test_a_harmless_call_passes(code: str) -> None:
    assert list(banned_calls(ast.parse(code), "transfer/a.py")) == []


@pytest.mark.parametrize(
    "code",
    [
        "session.createRawFileStore()",
        "session.createThumbnailStore()",
        "session.createRenderingEngine()",
        "session.createExporter()",
        "session.createByName('x')",
        "store.begin_read(0, 1)",
        "opener = repository.fileById",
        "process.getUploader(0)",
        "tables.openTable(file)",
    ],
)
def test_a_stateful_service_outside_its_guard_is_found(code: str) -> None:
    assert list(opened_services(ast.parse(code), "server/a.py"))
    assert list(opened_services(ast.parse(code), "server/session/stateful.py")) == []


def test_a_call_through_the_guard_passes() -> None:
    code = "store.begin('read', 0, 1)\nstore.begin_close()\nopen_file_stores(connection, 5, context)"

    assert list(opened_services(ast.parse(code), "server/a.py")) == []


def test_a_long_function_is_found() -> None:
    code = "def f():\n" + "    pass\n" * MAX_FUNCTION_LINES

    assert list(too_long(ast.parse(code), "transfer/a.py"))
