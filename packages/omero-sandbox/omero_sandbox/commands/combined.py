"""Commands made of commands: ``DoAll`` and ``SkipHead`` (omero-blitz ``DoAllI``, ``SkipHeadI``)."""

from __future__ import annotations

from typing import Any

import omero.clients

from omero_sandbox.commands.command import Command, CommandFailedError
from omero_sandbox.commands.registry import command_for
from omero_sandbox.db.schema import resolve
from omero_sandbox.net.call import Call


class DoAll:
    """Run several requests in one transaction; the first failure is that of all."""

    def __init__(self, call: Call, request: Any) -> None:
        contexts = request.contexts or []
        self._parts = [
            command_for(_with_context(call, contexts[index] if index < len(contexts) else None), each)
            for index, each in enumerate(request.requests or ())
        ]
        if not self._parts:
            raise CommandFailedError("no requests", name="no-steps")
        self._plan = [(part, number) for part in self._parts for number in range(part.steps)]
        self._statuses = [omero.cmd.Status(flags=[], parameters={}, steps=part.steps) for part in self._parts]

    @property
    def steps(self) -> int:
        """Sum of the steps of all parts."""
        return len(self._plan)

    def step(self, number: int) -> None:
        """Do the step of the part whose turn it is."""
        part, own = self._plan[number]
        self._statuses[self._parts.index(part)].currentStep = own
        part.step(own)

    def response(self) -> omero.cmd.Response:
        """Give the responses of all parts in their order."""
        return omero.cmd.DoAllRsp([part.response() for part in self._parts], self._statuses)


class SkipHead:
    """Run a request on what a dry run from higher objects reaches, such as the images below a project."""

    def __init__(self, call: Call, request: Any) -> None:
        if request.request is None or not request.startFrom:
            raise CommandFailedError("SkipHead needs a request and types to start from", name="bad-args")
        self._call = call
        self._request = request
        self._tail: Command | None = None

    @property
    def steps(self) -> int:
        """One for the head, two for the tail."""
        return 3

    def step(self, number: int) -> None:
        """Find the objects to start from in step 0, then run the request on them."""
        if number == 0:
            self._tail = command_for(self._call, self._configured(self._start_from(), self._request.dryRun))
        elif self._tail is not None:
            self._tail.step(number - 1)

    def response(self) -> omero.cmd.Response:
        """Give the response of the request that was run."""
        if self._tail is None:
            raise CommandFailedError("nothing was run")
        return self._tail.response()

    def _start_from(self) -> dict[str, list[int]]:
        head = command_for(self._call, self._configured(self._request.targetObjects, dry_run=True))
        for number in range(head.steps):
            head.step(number)
        answer = head.response()
        reached = getattr(answer, "includedObjects", None) or getattr(answer, "deletedObjects", None) or {}
        wanted = {
            sub for name in self._request.startFrom for sub in resolve(name.rpartition(".")[2]).subtypes
        }
        return {name: ids for name, ids in reached.items() if resolve(name).name in wanted}

    def _configured(self, targets: dict[str, list[int]], dry_run: bool) -> Any:
        """Copy the wrapped request with other targets."""
        inner = self._request.request
        made = type(inner)()
        made.__dict__.update(inner.__dict__)
        made.targetObjects = targets
        made.childOptions = self._request.childOptions or inner.childOptions
        made.dryRun = dry_run
        return made


def _with_context(call: Call, context: dict[str, str] | None) -> Call:
    if not context:
        return call
    made = Call(call.context, call.session, call.current)
    made.ctx = {**call.ctx, **context}
    return made
