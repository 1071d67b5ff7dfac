"""The two servers of the tests: persistent ones that hold other people's data, or sandboxes.

On servers that others use too, a run works in groups and as users of its own, whose names carry its token:
tests see and count only what is in these groups. After each test `Server.clear` deletes what is in them.
Only the API is used, so any OMERO server will do.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from threading import Event
from typing import Any

import Ice
import omero.clients
import omero.model as om
from omero.cmd import Delete2
from omero.rtypes import rlist, rlong
from omero.sys import ParametersI

from omero_sandbox.server import SandboxServer
from omero_sandbox.testing import seed

#: Of root.
PASSWORD = os.environ.get("OMERO_TEST_PASSWORD", "omero")
#: Groups of a run, by what their members may do to data of each other.
GROUPS = {"lab": "rwra--", "readers": "rwr---", "editors": "rwrw--", "private": "rw----", "other": "rwra--"}
#: Whoever runs the tests that need no owners: in the group lab.
TESTER = "tester"
#: Most objects of one class that are deleted by one command.
BATCH = 500
#: A number that no object of any server has.
NO_ID = 2**62 + 987_654

#: What goes together, in this order: what containers hold before them, and annotations when nothing has them.
_DELETED = (
    ("Plate", "Fileset"),
    ("Image", "Roi"),
    ("Annotation",),
    ("Dataset", "Project", "Screen", "Folder"),
    ("OriginalFile",),
)
#: Files in the repository belong to filesets; logs and folders of imports stay, as after every deletion.
_ONLY = {"OriginalFile": " and o.repo is null"}
#: Rows that are read at once, as not all pixels can be read by whole planes.
_ROWS = 256
#: A command of that many objects may take a server minutes.
_WAIT_S = 1800


@dataclass
class Server:
    """A server, and clients of it, which are closed after the test."""

    #: Name, or a URL like ``tcp://127.0.0.1``.
    host: str
    port: int
    #: The sandbox, if a test has one for itself, to break and to look into.
    sandbox: SandboxServer | None = None
    #: Marks the names of groups and users.
    token: str = "alone"
    #: Who logs in if a test does not say.
    user: str = "root"
    #: Password of the users of the run, who stay there; some are administrators.
    secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    _root: Any = None
    _clients: list[Any] = field(default_factory=list)
    _groups: dict[str, int] = field(default_factory=dict)
    _users: dict[str, int] = field(default_factory=dict)
    _members: set[tuple[str, str]] = field(default_factory=set)

    def name(self, name: str) -> str:
        """Return the name of a group or user of the run."""
        return f"{name}-{self.token}"

    def password(self, user: str) -> str:
        """Return the password of a user."""
        return PASSWORD if user == "root" else self.secret

    def client(self, user: str | None = None, password: str | None = None, group: str | None = None) -> Any:
        """Log in."""
        user = self.user if user is None else user
        arguments = [f"--omero.group={group}"] if group else None
        client = omero.client(host=self.host, port=self.port, args=arguments)
        self._clients.append(client)
        client.createSession(user, self.password(user) if password is None else password)
        return client

    def login(self, user: str | None = None, password: str | None = None) -> list[str]:
        """Return the arguments that log a command in."""
        user = self.user if user is None else user
        word = self.password(user) if password is None else password
        return ["-s", self.host, "-p", str(self.port), "-u", user, "-w", word, "-C"]

    def close(self) -> None:
        """Close the clients."""
        while self._clients:
            self._clients.pop().closeSession()

    def root(self) -> Any:
        """Return a client of root, which is kept: a real server takes a second for each login."""
        if self._root is not None and not _is_alive(self._root):
            self.close_root()
        if self._root is None:
            self._root = omero.client(host=self.host, port=self.port)
            self._root.createSession("root", PASSWORD)
        return self._root

    # -- groups and users, made once per run

    def group(self, name: str) -> str:
        """Make one of `GROUPS`, if it is not there yet; return its name."""
        full = self.name(name)
        if name not in self._groups:
            self._groups[name] = seed.group(self.root(), full, GROUPS[name])
        return full

    def group_id(self, name: str) -> int:
        """Make one of `GROUPS`, if it is not there yet; return its id."""
        self.group(name)
        return self._groups[name]

    def settle(self, *users: str, group: str = "lab") -> list[str]:
        """Make users members of a group of the run; return their logins."""
        self.group(group)
        for user in users:
            if (user, group) not in self._members:
                self._join(user, group)
        return [self.name(user) for user in users]

    def _join(self, user: str, group: str) -> None:
        root = self.root()
        number = self._groups[group]
        if user not in self._users:
            name = self.name(user)
            self._users[user] = seed.user(root, name, self.password(name), [number])
        else:
            admin, one = root.sf.getAdminService(), om.ExperimenterI(self._users[user], False)
            admin.addGroups(one, [om.ExperimenterGroupI(number, False)])
        self._members.add((user, group))

    def make_light_admin(self, user: str, *lacking: str) -> str:
        """Make an administrator who lacks some privileges; return the login."""
        name = self.name(user)
        if user not in self._users:
            root = self.root()
            admin = root.sf.getAdminService()
            system = admin.getSecurityRoles().systemGroupId
            self._users[user] = number = seed.user(root, name, self.password(name), [system])
            held = root.sf.getTypesService().allEnumerations("AdminPrivilege")
            kept = [one for one in held if one.value.val not in lacking]
            admin.setAdminPrivileges(om.ExperimenterI(number, False), kept)
        return name

    def deactivate(self, *users: str) -> None:
        """Take the right to log in from users of the run."""
        admin = self.root().sf.getAdminService()
        everyone = om.ExperimenterGroupI(admin.getSecurityRoles().userGroupId, False)
        for user in users:
            admin.removeGroups(om.ExperimenterI(self._users[user], False), [everyone])

    def retire(self) -> None:
        """Deactivate all users of the run: OMERO deletes neither users nor groups."""
        self.deactivate(*self._users)
        self.close()
        self.close_root()

    def close_root(self) -> None:
        """Log root out."""
        if self._root is not None:
            self._root.closeSession()
            self._root = None

    # -- what the tests made

    def held(self, *types: str) -> dict[str, list[tuple[int, int]]]:
        """Return ids of group and object, by class, of what is in the groups of the run."""
        return {name: self._ids(name) for name in types}

    def _ids(self, type_name: str) -> list[tuple[int, int]]:
        groups = rlist([rlong(number) for number in self._groups.values()])
        hql = f"select o.details.group.id, o.id from {type_name} o where o.details.group.id in (:groups)"
        parameters = ParametersI().add("groups", groups)
        query = self.root().sf.getQueryService()
        rows = query.projection(hql + _ONLY.get(type_name, ""), parameters, {"omero.group": "-1"})
        return [(group.val, number.val) for group, number in rows]

    def clear(self) -> None:
        """Delete all that is in the groups of the run.

        Raises
        ------
        AssertionError
            Something is still there.
        """
        if not self._groups:
            return
        for types in _DELETED:
            self._delete({name: self._ids(name) for name in types})
        left = {name: self._ids(name) for types in _DELETED for name in types}
        assert not any(left.values()), f"not deleted: {left}"

    def _delete(self, found: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        for group in {group for pairs in found.values() for group, _ in pairs}:
            ids = {name: [number for at, number in pairs if at == group] for name, pairs in found.items()}
            for start in range(0, max(map(len, ids.values())), BATCH):
                chunk = {name: numbers[start : start + BATCH] for name, numbers in ids.items()}
                delete(self.root(), {name: numbers for name, numbers in chunk.items() if numbers}, group)

    @cached_property
    def description(self) -> str:
        """Address and version, as in ``127.0.0.1:4064 (5.6.18)``; the port of a sandbox says nothing."""
        version = self.root().sf.getConfigService().getVersion()
        # those that the tests start listen without TLS
        return (
            f"sandbox ({version})"
            if self.host.startswith("tcp://")
            else f"{self.host}:{self.port} ({version})"
        )

    def gives_out_plates(self) -> bool:
        """Whether the download policy gives out the files of plates (omero-server BinaryAccessPolicy)."""
        policy = self.root().sf.getConfigService().getConfigValue("omero.policy.binary_access")
        return "+plate" in policy.split(",")


def _is_alive(client: Any) -> bool:
    """Tell whether a session is there, which ends when it was not used for minutes."""
    try:
        client.sf.getConfigService().getServerTime()
    except (Ice.Exception, omero.ClientError):
        return False
    return True


def delete(client: Any, targets: Mapping[str, Iterable[int]], group: int | str) -> None:
    """Delete objects, ids by class, and what belongs to them."""
    request = Delete2(targetObjects={name: list(ids) for name, ids in targets.items()})
    handle = client.sf.submit(request, {"omero.group": str(group)})
    client.waitOnCmd(handle, loops=_WAIT_S * 2, ms=500, failontimeout=True).close(True)


def read_pixels(client: Any, image: int) -> tuple[tuple[Any, ...], Iterator[bytes]]:
    """Return the facts of an image's pixels, and the digests of its planes, by t, c and z."""
    hql = "select p from Pixels p join fetch p.pixelsType where p.image.id = :id"
    query = client.sf.getQueryService()
    pixels = query.findByQuery(hql, ParametersI().addId(image), {"omero.group": "-1"})
    sizes = [getattr(pixels, f"size{axis}").val for axis in "TCZYX"]
    return (pixels.pixelsType.value.val, *sizes), _digests(client, pixels.id.val, sizes)


def _digests(client: Any, pixels: int, sizes: Sequence[int]) -> Iterator[bytes]:
    times, channels, slices, height, width = sizes
    with closing(client.sf.createRawPixelsStore()) as store:
        _open_pixels(store, pixels)
        for t, c, z in product(range(times), range(channels), range(slices)):
            digest = hashlib.sha256()
            for y in range(0, height, _ROWS):
                digest.update(store.getTile(z, c, t, 0, y, width, min(_ROWS, height - y)))
            yield digest.digest()


def _open_pixels(store: Any, pixels: int) -> None:
    """Open pixels, which a server that makes a pyramid of them refuses until it is done."""
    waited = Event()
    for _ in range(_WAIT_S):
        try:
            store.setPixelsId(pixels, False, {"omero.group": "-1"})
        except omero.MissingPyramidException:
            waited.wait(1)
        else:
            return
    raise TimeoutError(f"Pixels:{pixels} have no pyramid after {_WAIT_S} s")
