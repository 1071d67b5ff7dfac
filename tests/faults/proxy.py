"""A proxy on the loopback that spoils the link between a client and a server.

For tests, which arm faults at chosen moments; and as a program, for benchmarks of long or narrow ways:
``python -m tests.faults.proxy PORT delay 0.005``. The faults are those of toxiproxy.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import threading
from dataclasses import dataclass, field
from typing import Final, Literal, Self, cast

HOST: Final = "127.0.0.1"
BLOCK: Final = 2**18
#: Blocks under way in one direction.
_UNDER_WAY: Final = 4096

Direction = Literal["up", "down"]
Kind = Literal["delay", "throttle", "slice", "flip", "cut", "reset", "stall", "refuse"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a connection.

    Parameters
    ----------
    kind
        ``delay`` by ``amount`` seconds each way; ``throttle`` to ``amount`` bytes a second; ``slice`` into
        pieces of ``amount`` bytes; ``flip`` a bit of one byte; ``cut``, a clean close; ``reset``, a hard one;
        ``stall``: stays open, passes nothing on; ``refuse``: all connections are cut, and none is taken for
        ``amount`` seconds.
    direction
        Where bytes are counted: up to the server, or down from it.
    after
        Bytes that still go by on the connection.
    connections
        How many connections it strikes, one after the other.
    """

    kind: Kind
    amount: float = 0.0
    direction: Direction = "down"
    after: int = 0
    connections: float = 1


@dataclass(eq=False)
class _Armed:
    fault: Fault
    left: float
    passed: dict[_Connection, int] = field(default_factory=dict)

    def place(self, pipe: _Pipe, size: int) -> int | None:
        """Return where in the next ``size`` bytes of a pipe it strikes."""
        if pipe.direction != self.fault.direction or pipe.connection.struck_by is self:
            return None
        before = self.passed.get(pipe.connection, 0)
        self.passed[pipe.connection] = before + size
        if before + size <= self.fault.after:
            return None
        pipe.connection.struck_by = self
        self.left -= 1
        return self.fault.after - before


class _Connection:
    """Two pipes, and what is wrong with them."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.bytes_per_s = 0.0
        self.slice_size = BLOCK
        self.is_stalled = False
        self.closed = asyncio.Event()
        self.struck_by: _Armed | None = None
        self.writers: list[asyncio.StreamWriter] = []

    def close(self, *, hard: bool) -> None:
        """Close both ends; hard, with a reset."""
        self.closed.set()
        for writer in self.writers:
            if hard:
                linger = struct.pack("ii", 1, 0)
                end: socket.socket = writer.get_extra_info("socket")
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            else:
                writer.close()


class _Pipe:
    """One direction of a connection; as many blocks are under way at a time as come."""

    def __init__(
        self,
        connection: _Connection,
        direction: Direction,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.connection = connection
        self.direction: Direction = direction
        self._reader = reader
        self._writer = writer
        self._under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDER_WAY)

    async def put(self, data: bytes) -> None:
        """Send bytes on their way; none at all end the connection when they arrive."""
        due = asyncio.get_running_loop().time() + self.connection.delay_s
        await self._under_way.put((due, data))

    async def run(self, proxy: Proxy) -> None:
        """Pass bytes on until one end closes."""
        sending = asyncio.create_task(self._send())
        try:
            while data := await self._reader.read(BLOCK):
                await proxy.take(self, data)
                if self.connection.is_stalled:
                    await self.connection.closed.wait()
            await self.put(b"")
            await sending
        except ConnectionError:
            self.connection.close(hard=False)
        finally:
            sending.cancel()

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await self._under_way.get()
            if (left := due - loop.time()) > 0:
                await asyncio.sleep(left)
            if self.connection.is_stalled:
                await self.connection.closed.wait()
            if not data:
                self.connection.close(hard=False)
                return
            await self._write(data)

    async def _write(self, data: bytes) -> None:
        start = 0
        while start < len(data):
            piece = data[start : start + self.connection.slice_size]
            self._writer.write(piece)
            await self._writer.drain()
            start += len(piece)
            if self.connection.bytes_per_s:
                await asyncio.sleep(len(piece) / self.connection.bytes_per_s)
            elif self.connection.slice_size < BLOCK:
                await asyncio.sleep(0)


class Proxy:
    """Listens while its ``with`` block runs, and connects whoever comes to another port of this machine."""

    def __init__(self, port: int) -> None:
        self._target = port
        #: Where clients connect to.
        self.port = 0
        #: Faults that struck.
        self.struck: list[Fault] = []
        self._armed: list[_Armed] = []
        self._connections: dict[_Connection, asyncio.Task[None] | None] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="proxy", daemon=True)

    def arm(self, fault: Fault) -> None:
        """Let a fault strike from now on; may be called by any thread."""
        self._armed.append(_Armed(fault, fault.connections))

    def disarm(self) -> None:
        """Forget the faults that have not struck yet; a stalled connection stays so."""
        self._armed.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    async def _serve(self) -> None:
        """Serve until the end of the block, or of the process."""
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        await self._listen()
        self._ready.set()
        await self._done.wait()
        await self._stop_listening()
        await asyncio.gather(*filter(None, self._connections.values()))

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        self._server.close()
        for connection in tuple(self._connections):
            connection.close(hard=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection()
        self._connections[connection] = asyncio.current_task()
        try:
            there_reader, there_writer = await asyncio.open_connection(HOST, self._target)
            connection.writers = [writer, there_writer]
            up = _Pipe(connection, "up", reader, there_writer)
            down = _Pipe(connection, "down", there_reader, writer)
            await asyncio.gather(up.run(self), down.run(self))
        except OSError:
            writer.close()
        finally:
            del self._connections[connection]

    async def take(self, pipe: _Pipe, data: bytes) -> None:
        """Pass a block of a pipe on, with what is armed for it."""
        for armed in tuple(self._armed):
            place = armed.place(pipe, len(data))
            if place is None:
                continue
            self.struck.append(armed.fault)
            if armed.left <= 0 and armed in self._armed:
                self._armed.remove(armed)
            if armed.fault.kind == "flip":
                data = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
            else:
                if place:
                    await pipe.put(data[:place])
                data = data[place:]
                await self._strike(armed.fault, pipe)
                if armed.fault.kind in ("cut", "reset", "refuse"):
                    return
        await pipe.put(data)

    async def _strike(self, fault: Fault, pipe: _Pipe) -> None:
        connection = pipe.connection
        match fault.kind:
            case "delay":
                connection.delay_s = fault.amount
            case "throttle":
                connection.bytes_per_s = fault.amount
                connection.slice_size = min(connection.slice_size, max(1, int(fault.amount / 10)))
            case "slice":
                connection.slice_size = int(fault.amount)
            case "stall":
                connection.is_stalled = True
            case "cut":
                await pipe.put(b"")
            case "reset":
                connection.close(hard=True)
            case "refuse":
                await self._stop_listening()
                self._again = self._loop.create_task(self._listen_after(fault.amount))

    async def _listen_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._listen()


def main(port: int, kind: Kind, amount: float) -> None:
    """Listen until the process is ended; say the port on the standard output."""
    with Proxy(port) as proxy:
        proxy.arm(Fault(kind, amount, connections=float("inf")))
        print(proxy.port, flush=True)  # noqa: T201 -- the benchmarks read it
        threading.Event().wait()


if __name__ == "__main__":
    main(int(sys.argv[1]), cast("Kind", sys.argv[2]), float(sys.argv[3]))
