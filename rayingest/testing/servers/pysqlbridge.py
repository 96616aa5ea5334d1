"""Start a throw-away pysqlbridge: SQL Server's protocol and its SELECT, over tables out of CSV.

Its tables are all in `dbo`, have no keys and no comments, and each of their columns may be empty; it
answers the catalogue's views as SQL Server 2025 has them. pysqlbridge_app.py says what it is given beside.
"""

import json
import secrets
import socket
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from rayingest.kit.sql.mssql.dial import OURS, dialling
from rayingest.kit.sql.mssql.tls import Encryption, context
from rayingest.testing.environments import Environment

VERSION = "2.1.3"
ENVIRONMENT = Environment("pysqlbridge", (f"pysqlbridge=={VERSION}", "pyspnego==0.12.4"))
APP = Path(__file__).with_name("pysqlbridge_app.py")
USER, DATABASE = "ada", "pysqlbridge"
DOMAIN = "CORP"  # of Windows, where the user has an account with the same password
Json = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running server, the password of its user, and the certificate that it made for itself."""

    port: int
    password: str = field(repr=False)
    certificate: str = field(repr=False)
    door: Any = field(repr=False)

    def config(self, kind: str = "Mssql", **changes: Any) -> Json:
        """`serviceConnection.config` for it: encrypted, and verified by its own certificate."""
        given: Json = {
            "type": kind,
            "hostPort": f"127.0.0.1:{self.port}",
            "username": USER,
            "password": self.password,
            "database": DATABASE,
        }
        if kind == "Mssql":
            given["sslConfig"] = {"caCertificate": self.certificate}
        else:
            given["authenticationMode"] = {"trustServerCertificate": True}
        return {**given, **changes}

    def put(self, database: str, views: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Add rows to views of `sys` in a database, which is made if there is none yet."""
        self._told("put", database=database, views={**views})

    def behave(self, **how: Any) -> None:
        """How it answers from now on: see the app's `Behaviour`; nothing: as ever."""
        self._told("behave", **how)

    @property
    def asked(self) -> Sequence[str]:
        """Statements since it was last told how to behave."""
        return [str(each) for each in self._told("asked")]

    def _told(self, what: str, **more: Any) -> list[Any]:
        with closing(self.door.cursor()) as cursor:
            cursor.execute("/* ours */" + json.dumps({"do": what, **more}))
            return [row[0] for row in cursor.fetchall()]


@contextmanager
def server(tables: Mapping[str, str] | None = None) -> Generator[Server]:
    """Run one until the block ends, with these tables: names and their CSV. Raises RayingestError."""
    password = secrets.token_urlsafe(12)
    person = {"user": USER, "password": password, "domain": DOMAIN}
    given = json.dumps({"tables": dict(tables or {}), **person})
    with (
        ENVIRONMENT.running(_command, _ready, environment={"BRIDGE": given}) as port,
        closing(_door(port, password)) as door,
        closing(door.cursor()) as cursor,
    ):
        cursor.execute('/* ours */{"do": "certificate"}')
        yield Server(port, password, str(cursor.fetchone()[0]), door)


def _door(port: int, password: str) -> Any:
    """A connection by which it is told what to do."""
    pytds: Any = import_module("pytds")
    dial = dialling(pytds, context(Encryption()))
    plain = {"cafile": OURS, "validate_host": False, "enc_login_only": True, "autocommit": True}
    return dial(dsn="127.0.0.1", port=port, user=USER, password=password, **plain)


def _command(folder: Path, port: int) -> list[str]:
    return ["-P", str(APP), str(folder), str(port)]


def _ready(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
