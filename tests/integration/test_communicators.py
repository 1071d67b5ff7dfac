"""Ice says at the end of a process which communicators were left to it: none are."""

from __future__ import annotations

from pathlib import Path

import omero
import pytest

from omero_sandbox.testing import seed
from tests.integration.conftest import Server
from tests.integration.test_module import OMERO, image, run  # noqa: F401
from tests.support.servers import NO_ID

LEFT = "not destroyed during global destruction"


@pytest.mark.parametrize("command", [["-m", "omero_rocrate_transfer"], ["-c", OMERO, "transfer"]])
def test_none_are_left_by_any_command(
    command: list[str],
    source_server: Server,
    target_server: Server,
    image: int,  # noqa: F811
    home: Path,
) -> None:
    source, target = source_server.login(), target_server.login()

    ended = [
        run(*command, "pack", f"Image:{image}", "a.zip", *source),
        run(*command, "unpack", "a.zip", *target, code=0),
        run(*command, "verify", f"Image:{image}", "a.zip", *source),
        run(*command, "verify", "a.zip", "--server", *target),
        run(*command, "list", "a.zip"),
        run(*command, "pack", f"Image:{NO_ID}", "b.zip", *source, code=5),
        run(*command, "pack", f"Image:{image}", "b.zip", *source[:-2], "wrong", "-C", code=6),
    ]

    assert [one.stderr for one in ended if LEFT in one.stderr] == []


@pytest.mark.sandbox
def test_none_is_left_by_a_login_that_fails_half_way(source_server: Server, image: int, home: Path) -> None:  # noqa: F811
    sandbox = source_server.sandbox
    assert sandbox is not None
    client = source_server.client()
    seed.user(client, "ann", "secret", [seed.group(client, "lab")])
    message = "User 2 is not a member of group 0 and cannot login"
    sandbox.faults.add("IAdmin.getEventContext", omero.SecurityViolation(message=message), times=9)

    login = ["-s", source_server.host, "-p", source_server.port, "-u", "ann", "-w", "secret", "-C"]
    ended = run("-m", "omero_rocrate_transfer", "pack", f"Image:{image}", "a.zip", *login, code=6)

    assert LEFT not in ended.stderr
    assert "Login failed: this user is not a member of group 0." in ended.stderr
