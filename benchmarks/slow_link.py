"""A proxy on the loopback that makes a link slower: what comes in goes out after half the round-trip time."""

from __future__ import annotations

import asyncio
import sys

BLOCK = 2**18


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Pass bytes on, each after the delay, as many under way at a time as come."""
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(4096)

    async def receive() -> None:
        while data := await reader.read(BLOCK):
            await under_way.put((loop.time() + delay_s, data))
        await under_way.put((0.0, b""))

    receiving = asyncio.create_task(receive())
    while True:
        due, data = await under_way.get()
        if not data:
            break
        if (left := due - loop.time()) > 0:
            await asyncio.sleep(left)
        writer.write(data)
        await writer.drain()
    await receiving
    writer.close()


async def serve(port: int, round_trip_s: float) -> None:
    """Listen until the process is ended; say the port on the standard output."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            forward(reader, there_writer, round_trip_s / 2),
            forward(there_reader, writer, round_trip_s / 2),
            return_exceptions=True,
        )

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1000))
