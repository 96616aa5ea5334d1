"""Start a throw-away Spark Thrift Server on a loopback port: HiveServer2's protocol, a metastore of Hive's on Derby.

It is Apache Spark's own, out of the wheel, in an environment of its own (480 MB), and needs Java 17. A
start takes 8 s. Table names there are words, and in lower case; there are no keys, no users, no rights.
"""

import shutil
import socket
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from rayingest.errors import RayingestError
from rayingest.testing.environments import Environment
from rayingest.testing.processes import excused

VERSION = "3.5.6"
ENVIRONMENT = Environment("hive", (f"pyspark=={VERSION}",), slow=True)
APP = Path(__file__).with_name("hive_app.py")
OWNER = "librarian"
ASKING = {"select", "show", "describe"}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; whoever asks may do everything."""

    host_port: str

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute statements by impyla's own client; what the last one answers."""
        dbapi: Any = import_module("impala.dbapi")
        host, _, port = self.host_port.partition(":")
        told: list[tuple[Any, ...]] = []
        line = dbapi.connect(host, int(port), auth_mechanism="PLAIN", user=OWNER)
        with closing(line), closing(line.cursor(user=OWNER)) as cursor:
            for statement in statements:
                cursor.execute(statement)
                # impyla stumbles over answers without columns, which Spark has to the others.
                asks = statement.split(None, 1)[0].lower() in ASKING
                told = cursor.fetchall() if asks else []
        return told

    def config(self, kind: str = "Hive", /, **changes: Any) -> dict[str, Any]:
        """`serviceConnection.config` for it."""
        base = {"type": kind, "hostPort": self.host_port, "username": OWNER}
        return {**base, "password": "pass-hive-1", **changes}


def missing() -> str | None:
    """Why no server can be started here; None when one can."""
    if shutil.which("java") is None:
        return "needs java: apt-get install openjdk-17-jre-headless"
    return ENVIRONMENT.missing()


def available() -> str | None:
    """Like `missing`, but an error where servers are required (RAYINGEST_REQUIRE_SERVERS=1)."""
    return excused(missing())


@contextmanager
def server(**options: str) -> Generator[Server]:
    """Run one until the block ends; `options` are HiveServer2's, with underscores for dots."""
    if why := missing():
        raise RayingestError(f"Spark's Thrift Server cannot be started: it {why}")
    environment = {"HADOOP_USER_NAME": OWNER}  # who owns what is made
    command = partial(_command, options)
    with ENVIRONMENT.running(command, _ready, seconds=90, environment=environment) as port:
        yield Server(f"127.0.0.1:{port}")


def _command(options: dict[str, str], folder: Path, port: int) -> list[str]:
    given = [f"{key.replace('_', '.')}={value}" for key, value in options.items()]
    return [str(APP), str(folder), str(port), *given]


def _ready(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), 1):
        return True
