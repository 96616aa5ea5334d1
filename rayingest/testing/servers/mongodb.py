"""A MongoDB for tests: SecantusDB, which speaks its protocol over WiredTiger, in a process of its own.

It is under the GPL, and never imported here. It has users and roles, TLS, and fail points (`failing`); it says that it
is 8.2. What it lacks of MongoDB: listDatabases hides nothing, killSessions ends no command that runs,
a time series is listed as a collection by name, and has a unique `_id`.
"""

import socket
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from rayingest.testing.environments import Environment

VERSION = "0.7.0b3"
ENVIRONMENT = Environment("mongodb", (f"secantusdb=={VERSION}",))
SECONDS = 3


@dataclass(frozen=True)
class Server:
    """A running SecantusDB; `client` is the driver's, signed in where that is needed."""

    host_port: str
    client: Any = field(repr=False)
    user: Mapping[str, str] = field(default_factory=dict, repr=False)

    def config(self, **changes: Any) -> dict[str, Any]:
        """`serviceConnection.config` for it."""
        return {"type": "MongoDB", "hostPort": self.host_port, **self.user, **changes}

    def tell(self, database: str, *commands: Mapping[str, Any]) -> None:
        """Run commands, one after another."""
        for each in commands:
            self.client[database].command(dict(each))

    @contextmanager
    def failing(self, *commands: str, times: int | None = None, **how: Any) -> Generator[None]:
        """Let commands fail: `errorCode`, `closeConnection`, or `blockConnection` with `blockTimeMS`."""
        mode = {"times": times} if times else "alwaysOn"
        data = {"failCommands": list(commands), **how}
        point = {"configureFailPoint": "failCommand"}
        self.client.admin.command({**point, "mode": mode, "data": data})
        try:
            yield
        finally:
            self.client.admin.command({**point, "mode": "off"})


@contextmanager
def server(*options: str, storage: Path | None = None, **user: str) -> Generator[Server]:
    """Run one until the block ends; `options` are the daemon's; `username` and `password`.

    Users are created in a `storage` before it is served with `--auth`.
    """

    def command(folder: Path, port: int) -> Sequence[str]:
        where = str(storage or folder / "data")
        given = ["-m", "secantus", "--port", str(port), "--storage-path", where]
        return [*given, "--standalone", "--enable-test-commands", *options]

    with ENVIRONMENT.running(command, _ready) as port:
        place = f"127.0.0.1:{port}"
        with closing(_client(place, user)) as asking:
            yield Server(place, asking, user)


def _ready(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS):
        return True


def _client(place: str, more: Mapping[str, Any]) -> Any:
    pymongo: Any = import_module("pymongo")
    return pymongo.MongoClient(
        f"mongodb://{place}", serverSelectionTimeoutMS=1000 * SECONDS, **more
    )
