"""Start a throw-away Apache Superset on a loopback port, with its metadata in a PostgreSQL of ours.

It lives in an environment of its own, for it needs another SQLAlchemy than we do (650 MB, 15 s with
`uv`). A start takes 25 s: its migrations, its permissions, its roles. It is stopped by its process id.
"""

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx2

from rayingest.errors import RayingestError
from rayingest.testing import postgres
from rayingest.testing.environments import Environment
from rayingest.testing.processes import end

VERSION = "6.1.0"
PINS = (
    f"apache-superset=={VERSION}",
    "cachelib<0.14",
    "flask-caching<2.4",  # newer ones do not know the cache of its metadata
    "cachetools",  # it does not say that it needs these two
    "rich",
    "psycopg2-binary",
    "pymysql",
)
ENVIRONMENT = Environment("superset", PINS, slow=True)
APP = Path(__file__).with_name("superset_app.py")
ADMIN, READER = "ada", "rea"
Json = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running Superset, the database of its metadata, and the passwords of who may log in.

    `ada` is an administrator, `rea` a reader with the role Gamma and no data.
    """

    url: str
    database: postgres.Server
    name: str
    password: str = field(repr=False)
    process: subprocess.Popen[str] = field(repr=False)

    def config(self, username: str = ADMIN, /, **changes: Any) -> Json:
        """`serviceConnection.config` that reads over the API."""
        account = {"provider": "db", "username": username, "password": self.password}
        return {"type": "Superset", "hostPort": self.url, "connection": {**account, **changes}}

    def metadata_config(self, **changes: Any) -> Json:
        """`serviceConnection.config` that reads the metadata database."""
        connection = self.database.config(self.name, **changes)
        return {"type": "Superset", "hostPort": self.url, "connection": connection}

    def copy_to(self, target: str, *tables: str) -> None:
        """All tables to another server, by its SQLAlchemy URL, and the rows of some. Raises RayingestError."""
        _say(self.process, json.dumps({"target": target, "tables": tables}))
        if why := _heard(self.process, "copied")["copied"]:
            raise RayingestError(f"Superset's tables were not copied: {why}")

    @contextmanager
    def client(self, username: str = ADMIN) -> Generator[httpx2.Client]:
        """A client that is logged in."""
        with httpx2.Client(base_url=self.url, timeout=60) as made:
            body = {"username": username, "password": self.password, "provider": "db"}
            told = made.post("/api/v1/security/login", json=body).raise_for_status().json()
            made.headers["Authorization"] = f"Bearer {told['access_token']}"
            yield made


@contextmanager
def server(database: postgres.Server, name: str = "superset", /) -> Generator[Server]:
    """Run a server until the block ends; its metadata are in a new database of this name."""
    if why := ENVIRONMENT.missing():
        raise RayingestError(f"Superset cannot be started: it {why}")
    database.create(name)
    with tempfile.TemporaryDirectory(prefix="rayingest-superset-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = _spawn(folder, out)
        try:
            yield _started(process, database, name, log)
        finally:
            _stop(process)


def _spawn(folder: str, log: IO[bytes]) -> subprocess.Popen[str]:
    environment = {key: os.environ[key] for key in ("PATH", "TMPDIR", "LANG") if key in os.environ}
    environment |= {"HOME": folder, "SUPERSET_HOME": folder}
    return subprocess.Popen(  # noqa: S603 - our own script
        [str(ENVIRONMENT.python), "-P", str(APP)],  # -P: beside it lies our superset.py
        cwd=folder,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
    )


def _started(
    process: subprocess.Popen[str], database: postgres.Server, name: str, log: Path
) -> Server:
    password = secrets.token_urlsafe(12)
    inside = f"{database.user}:{database.password}@{database.host_port}/{name}"
    told = {
        "metadata": f"postgresql+psycopg2://{inside}",
        "secret": secrets.token_urlsafe(42),
        "accounts": [
            _account(ADMIN, "Ada", "Admin", "Admin", password),
            _account(READER, "Rea", "Reader", "Gamma", password),
        ],
    }
    _say(process, json.dumps(told))
    try:
        port = _heard(process, "port")["port"]
    except RayingestError as error:
        said = log.read_text(errors="replace")[-2000:]
        raise RayingestError(f"Superset did not start: {said}") from error
    return Server(f"http://127.0.0.1:{port}", database, name, password, process)


def _account(username: str, first: str, last: str, role: str, password: str) -> Json:
    named = {"username": username, "first_name": first, "last_name": last}
    return {**named, "email": f"{username}@example.com", "role": role, "password": password}


def _say(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is not None:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


def _heard(process: subprocess.Popen[str], key: str) -> Json:
    """The next line that is JSON with this key; migrations print, too."""
    for line in process.stdout or ():
        if line.startswith("{") and key in (told := json.loads(line)):
            return dict(told)
    raise RayingestError("it ended")


def _stop(process: subprocess.Popen[str]) -> None:
    end(process)
    for each in (process.stdin, process.stdout):
        if each is not None:
            each.close()
