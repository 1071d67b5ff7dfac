"""``make demo``: two servers, real files, the real command line, and a comparison by other means.

It shows each command and what it says, and ends with one line: ``demo: N images, N files, all equal``.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.rocrate_validator import find_issues
from omero_sandbox.testing import real_input, seed
from omero_sandbox.testing.compare import Comparison, compare

PASSWORD = "omero"  # noqa: S105 - of servers that live for a minute, on this machine only
#: The ``omero`` script without its refusal to run as root.
OMERO = "import sys, omero.cli; sys.exit(omero.cli.argv(['omero', *sys.argv[1:]]))"
#: The default, and the files of plates too: without pixels they could not be packed otherwise.
POLICY = "+read,+write,+image,+plate"
#: Where the plugin is found, installed or not.
ROOT = str(Path(__file__).parents[1])
#: All is done, or some of it was left out and named.
FINE = (0, 3)


class DemoError(Exception):
    """The demo did not end as it should."""


@dataclass(frozen=True)
class Server:
    """A sandbox in a process of its own."""

    name: str
    port: int

    @property
    def host(self) -> str:
        """The address as the ``omero`` command takes it."""
        return "tcp://127.0.0.1"

    def connect(self) -> Any:
        """Log in as root; whoever calls this closes the client."""
        return seed.connection("127.0.0.1", self.port, "root", PASSWORD)


def main() -> int:
    """Run the demo and return its exit code."""
    with tempfile.TemporaryDirectory(prefix="omero-rocrate-transfer-demo-") as folder:
        try:
            return run(Path(folder))
        except DemoError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1


def run(folder: Path) -> int:
    """Do all of it in an empty folder."""
    with ExitStack() as stack:
        title("Two servers: source and target")
        source, target = (stack.enter_context(start(name, folder)) for name in ("source", "target"))

        title("Real files, imported into the source")
        objects, expected = fill(source, folder / "input")

        title("Pack them as a folder and as a zip")
        omero(folder, "login", f"root@{source.host}:{source.port}", password=PASSWORD)
        transfer(folder, "pack", "--rocrate", *objects, "crate", "--cc-by", "--rocrate-name", "Demo")
        transfer(folder, "pack", "--rocrate", *objects, "crate.zip", "--cc-by", "--rocrate-name", "Demo")

        title("Validate the crates with rocrate-validator")
        validate(folder / "crate")
        validate(folder / "crate.zip")

        title("Unpack both into the target")
        omero(folder, "login", f"root@{target.host}:{target.port}", password=PASSWORD)
        transfer(folder, "unpack", "crate", "--idmap", "folder.json")
        transfer(folder, "unpack", "crate.zip", "--idmap", "zip.json")

        title("Compare source and target: containers, names, files, and the pixels of every plane")
        idmaps = [folder / "folder.json", folder / "zip.json"]
        results = [compare_by(idmap, expected, source, target) for idmap in idmaps]
    return conclude(results)


def title(text: str) -> None:
    """Begin a part."""
    print(f"\n== {text}", flush=True)


@contextmanager
def start(name: str, folder: Path) -> Iterator[Server]:
    """Run a sandbox until the block ends."""
    data = folder / name
    data.mkdir()
    command = [sys.executable, "-m", "omero_sandbox", "--data", str(data)]
    command += ["--config", f"omero.policy.binary_access={POLICY}"]
    environment = os.environ | {"OMERO_SANDBOX_ROOT_PASSWORD": PASSWORD}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield Server(name, _port_of(process))
        finally:
            process.terminate()
            process.wait(30)


def _port_of(process: subprocess.Popen[str]) -> int:
    """Wait for the line that says the server is ready, and return its port."""
    line = process.stdout.readline() if process.stdout else ""
    print(f"   {line.strip()}")
    for word in line.split():
        key, _, value = word.partition("=")
        if key == "port":
            return int(value)
    raise DemoError("the sandbox did not start")


def fill(server: Server, folder: Path) -> tuple[list[str], set[str]]:
    """Import every kind of real input; return what to pack, and all that must come out of it."""
    expected = set()
    with closing_session(server) as client:
        project = seed.create(client, "Project", "Liver 肝", "Made for the demo")
        boxes = [seed.create(client, "Dataset", name) for name in ("Fixed cells", "Time series")]
        screen = seed.create(client, "Screen", "Screen 1")
        for box in boxes:
            seed.link(client, project, box)
        for number, (name, made) in enumerate(real_input.write_all(folder).items()):
            target = screen if name == "plate" else boxes[number % 2]
            imported = seed.import_fileset(client, made.folder, made.files, target)
            expected |= {f"Fileset:{imported.fileset}", *(f"Image:{number}" for number in imported.images)}
            expected |= {f"Plate:{number}" for number in imported.plates}
            print(f"   {name}: {len(made.files)} file(s), {len(imported.images)} image(s)")
            seed.rename(
                client, "Image", imported.images[0], f"{name}, renamed", "A description\nof two lines"
            )
    roots = [f"Project:{project.id.val}", f"Screen:{screen.id.val}"]
    return roots, expected | {*roots, *(f"Dataset:{box.id.val}" for box in boxes)}


@contextmanager
def closing_session(server: Server) -> Iterator[Any]:
    """Log in for the length of the block."""
    client = server.connect()
    try:
        yield client
    finally:
        client.closeSession()


def omero(folder: Path, *words: str, password: str = "") -> None:
    """Run the ``omero`` command and show what it says."""
    environment = os.environ | {"OMERO_USERDIR": str(folder / "omero"), "PYTHONPATH": ROOT}
    if password:
        environment["OMERO_PASSWORD"] = password
    print(f"$ omero {shlex.join(words)}", flush=True)
    result = subprocess.run(
        [sys.executable, "-c", OMERO, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print("".join(f"   {line}\n" for line in result.stdout.splitlines()), end="", flush=True)
    if result.returncode not in FINE:
        raise DemoError(f"omero {words[0]} ended with {result.returncode}")


def transfer(folder: Path, *words: str) -> None:
    """Run ``omero transfer``."""
    omero(folder, "transfer", *words)


def validate(crate: Path) -> None:
    """Ask the validator about all that RO-Crate requires and recommends."""
    issues = find_issues(crate)
    print(f"   {crate.name}: {len(issues)} issue(s)")
    if issues:
        raise DemoError(f"{crate.name}: {issues[0]}")


def compare_by(idmap: Path, expected: set[str], source: Server, target: Server) -> Comparison:
    """Compare all that an id map names, which must be all that is expected."""
    objects: Sequence[dict[str, str]] = json.loads(idmap.read_text("utf-8"))["objects"]
    with closing_session(source) as one, closing_session(target) as other:
        found = compare(one, other, {line["source"]: line["target"] for line in objects})
    lost = expected - {line["source"] for line in objects}
    found.differences += [f"{ref}: missing in the id map" for ref in sorted(lost)]
    print(
        f"   {idmap.stem}: {found.containers} containers, {found.images} images, {found.planes} planes, "
        f"{found.files} files, {len(found.differences)} difference(s)"
    )
    return found


def conclude(results: Sequence[Comparison]) -> int:
    """Print the last line; 0 only if something was compared and nothing differs."""
    differences = [line for found in results for line in found.differences]
    for line in differences:
        print(f"   {line}")
    first = results[0]
    same = all((found.images, found.files) == (first.images, first.files) for found in results)
    if differences or not same or not first.images or not first.files:
        print(f"\ndemo: {len(differences)} difference(s)")
        return 1
    print(f"\ndemo: {first.images} images, {first.files} files, all equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
