"""Start a throw-away fakesnow on a loopback port: an emulator of Snowflake, which the real client asks.

It lives in an environment of its own, for it imports modules that the client has no longer since
version 5. fakesnow_app.py says what it is given beside; it starts in 2 s, and forgets all at its end.
"""

import json
import os
import secrets
import urllib.request
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from rayingest.testing.environments import Environment

PINS = (
    "fakesnow[server]==0.12.1",
    "snowflake-connector-python==4.8.1",
    "duckdb==2.0.0",
    "sqlglot==30.22.0",
    "starlette==1.10.0",
    "uvicorn==0.54.0",
    "pyarrow==26.0.1",
)
ENVIRONMENT = Environment("fakesnow", PINS)
APP = Path(__file__).with_name("fakesnow_app.py")
Json = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running emulator, and the password of everybody."""

    port: int
    password: str = field(repr=False)

    @property
    def address(self) -> Json:
        """Where the vendor's client finds it."""
        return {"host": "127.0.0.1", "port": self.port, "protocol": "http"}

    def config(self, **changes: Any) -> Json:
        """`serviceConnection.config`."""
        return {
            "type": "Snowflake",
            "username": "ada",
            "password": self.password,
            "account": "test",
            "warehouse": "small",
            "connectionArguments": self.address,
            **changes,
        }

    def run(self, *statements: str, connection: Any = None) -> None:
        """Run statements one after another, over a connection of their own when none is given."""
        if connection is None:
            with closing(self.connect()) as made:
                self.run(*statements, connection=made)
            return
        errors = import_module("snowflake.connector.errors")
        with closing(connection.cursor()) as cursor:
            for each in statements:
                try:
                    cursor.execute(each)
                except errors.ProgrammingError as error:
                    # It has done as it was told, and cannot say so: comments, quotes in names.
                    if not any(text in str(error) for text in ("DESCRIBE", "already exists")):
                        raise

    def connect(self, **changes: Any) -> Any:
        """A connection of the vendor's client."""
        os.environ.setdefault("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
        client = import_module("snowflake.connector")
        told = {"user": "ada", "password": self.password, "account": "test", **self.address}
        quiet = {
            "enable_server_session_keep_alive_auto_detection": False,
            "session_parameters": {"CLIENT_TELEMETRY_ENABLED": False},
        }
        return client.connect(**{**told, **quiet, **changes})

    @property
    def paths(self) -> set[str]:
        """What has been asked for at all, by the path of the address."""
        return set(self._ask("logins")["paths"])

    def logins(self) -> list[Json]:
        """What clients said when they logged in, without secrets."""
        return list(self._ask("logins")["logins"])

    def wait(self, seconds: float) -> None:
        """Keep every further statement waiting."""
        self._ask(f"wait?{seconds}")

    def _ask(self, what: str) -> Json:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ours/{what}") as answer:
            return dict(json.load(answer))


@contextmanager
def server() -> Generator[Server]:
    """Run an emulator until the block ends. Raises RayingestError."""
    password = secrets.token_urlsafe(12)
    told = {"FAKESNOW_PASSWORD": password}
    with ENVIRONMENT.running(_command, _answers, environment=told) as port:
        yield Server(port, password)


def _command(folder: Path, port: int) -> list[str]:
    return ["-P", str(APP), str(port)]  # -P: beside it lies our fakesnow.py


def _answers(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ours/logins", timeout=5):
        return True
