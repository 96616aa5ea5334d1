"""A ClickHouse of today for tests: chDB, which is one without a server, behind a small HTTP front of ours.

Its SQL, its system tables and its errors are ClickHouse's own; ports, users and grants are not there.
Its packages are big (890 MB); a start takes two seconds.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from rayingest.errors import RayingestError
from rayingest.testing.environments import Environment

ENVIRONMENT = Environment("clickhouse", ("chdb-core==26.9.0",), slow=True)
APP = Path(__file__).with_name("clickhouse_app.py")


@dataclass(frozen=True, slots=True)
class Server:
    """A running chDB."""

    host_port: str

    def run(self, *statements: str) -> str:
        """Execute statements; what the last one answers, by tabs."""
        said = ""
        for statement in statements:
            url = f"http://{self.host_port}/"
            answer = httpx2.post(url, params={"default_format": "TSV"}, content=statement.encode())
            if not answer.is_success:
                raise RayingestError(f"{statement[:200]}: {answer.text}")
            said = answer.text
        return said

    def config(self, **changes: Any) -> dict[str, Any]:
        """`serviceConnection.config` for it."""
        return {"type": "Clickhouse", "hostPort": self.host_port, **changes}


@contextmanager
def server() -> Generator[Server]:
    """Run one until the block ends."""
    with ENVIRONMENT.running(_command, _ready) as port:
        yield Server(f"127.0.0.1:{port}")


def _command(folder: Path, port: int) -> list[str]:
    return [str(APP), str(folder / "data"), str(port)]


def _ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/").is_success
    except httpx2.TransportError:
        return False
