# ruff: noqa: INP001, T201 - a program
"""A slow line: a TCP proxy that holds every byte back for a fixed time in each direction.

    python benchmarks/latency.py --to 127.0.0.1:5432 --ms 20

Prints {"listen": "127.0.0.1:PORT", "pid": …} and serves until SIGTERM. What is sent is delayed, not
slowed down: any amount may be on its way. A connection is accepted by the kernel at once, so the
round trip that a real connect costs is added before the first byte is handed on.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Coroutine
from typing import Any

CHUNK = 262_144


async def hand_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, debt: float = 0.0
) -> None:
    """Pass bytes on, each chunk `delay` seconds after it came; `debt` delays the first ones more."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1024)
    earliest = loop.time() + debt + delay

    async def take() -> None:
        while True:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            await line.put((max(earliest, loop.time() + delay), data))
            if not data:
                return

    taking = asyncio.ensure_future(take())
    try:
        while True:
            due, data = await line.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                break
            writer.write(data)
            await writer.drain()
    finally:
        taking.cancel()
        with contextlib.suppress(OSError, RuntimeError, NotImplementedError):
            writer.write_eof()


async def serve(host: str, port: int, delay: float) -> None:
    """Accept until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    lines: set[asyncio.Task[Any] | None] = set()

    async def connected(ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        lines.add(asyncio.current_task())
        theirs = None
        try:
            reader, theirs = await asyncio.open_connection(host, port)
            await both(hand_on(ours, theirs, delay, debt=2 * delay), hand_on(reader, back, delay))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            lines.discard(asyncio.current_task())
            for each in (theirs, back):
                if each is not None:
                    each.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    listen = "{}:{}".format(*server.sockets[0].getsockname()[:2])
    print(json.dumps({"listen": listen, "pid": os.getpid()}), flush=True)
    await over.wait()
    server.close()
    for each in list(lines):
        if each is not None:
            each.cancel()
    await asyncio.gather(*(each for each in lines if each is not None), return_exceptions=True)


async def both(one: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Wait for both directions; an error in one ends the other."""
    tasks = [asyncio.ensure_future(one), asyncio.ensure_future(other)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for each in tasks:
            each.cancel()


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--to", required=True, metavar="HOST:PORT", help="where the line leads")
    parser.add_argument("--ms", type=float, default=20, help="milliseconds each way (default: 20)")
    told = parser.parse_args()
    host, _, port = told.to.rpartition(":")
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(serve(host, int(port), told.ms / 1000))


if __name__ == "__main__":
    main()
