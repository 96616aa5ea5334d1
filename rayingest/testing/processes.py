"""What all throw-away servers need: a free port, an end by process id, whether they may be missing."""

import os
import signal
import socket
import subprocess

from rayingest.errors import RayingestError

REQUIRE = "RAYINGEST_REQUIRE_SERVERS"


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def end(
    process: subprocess.Popen[bytes] | subprocess.Popen[str],
    kindly: signal.Signals = signal.SIGTERM,
    surely: signal.Signals = signal.SIGKILL,
    seconds: float = 20,
) -> None:
    """End a process by its id: kindly first, then surely."""
    if process.poll() is None:
        process.send_signal(kindly)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(surely)
            process.wait(10)


def excused(why: str | None) -> str | None:
    """Why a server is missing, or None; an error where servers are required (RAYINGEST_REQUIRE_SERVERS=1)."""
    if why and os.environ.get(REQUIRE) == "1":
        raise RayingestError(f"{REQUIRE}=1, but a test {why}")
    return why
