"""Start a throw-away MariaDB on a loopback port, from the binaries of Debian's `mariadb-server`.

Everything lives in one temporary directory; no configuration file is read, no service is touched,
and the server is stopped by its process id. Started by root it runs as `mysql` (or `nobody`).
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from rayingest.errors import RayingestError
from rayingest.testing.processes import end, excused, free_port

BINARIES = ("mariadbd", "mariadb-install-db")
PLACES = ("/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/bin", "/opt/homebrew/bin")
USER = "rayingest_root"
# Durability is of no use to a server that is thrown away.
OPTIONS = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "0",
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "64M",
    "sync-binlog": "0",
    "aria-sync-log-dir": "NEVER",
    "max-connections": "120",
    "character-set-server": "utf8mb4",
    "table-open-cache": "4000",
    "performance-schema": "OFF",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens and who may do everything there."""

    host: str
    port: int
    socket: Path
    password: str = field(repr=False)
    pid: int
    directory: Path
    user: str = USER
    encrypted: bool = False

    @property
    def host_port(self) -> str:
        """`host:port`, as configs spell it."""
        return f"{self.host}:{self.port}"

    def connect(self, database: str | None = None, /, **changes: Any) -> Any:
        """A PyMySQL connection in autocommit; `changes` are its parameters.

        It is encrypted only where the server wants that: PyMySQL reads all authorities of the machine
        for it, 27 ms each time.
        """
        pymysql: Any = import_module("pymysql")
        parameters: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "ssl_disabled": not self.encrypted,
            "user": self.user,
            "password": self.password,
            "database": database,
            "charset": "utf8mb4",
            "autocommit": True,
            **changes,
        }
        return pymysql.connect(**parameters)

    def run(self, *statements: str) -> None:
        """Execute statements as the user who may do everything."""
        with self.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def config(self, kind: str = "MariaDB", /, **changes: Any) -> dict[str, Any]:
        """`serviceConnection.config` for this server; `kind` is Mysql or MariaDB."""
        auth = {"authType": {"password": self.password}}
        secret = auth if kind == "Mysql" else {"password": self.password}
        base = {"type": kind, "username": self.user, "hostPort": self.host_port}
        return {**base, **secret, **changes}


def missing() -> str | None:
    """Why no server can be started here; None when one can."""
    absent = [name for name in BINARIES if _find(name) is None]
    if not absent:
        return None
    return f"needs {' and '.join(absent)}: apt-get install mariadb-server"


def available() -> str | None:
    """Like `missing`, but an error where servers are required (RAYINGEST_REQUIRE_SERVERS=1)."""
    return excused(missing())


@contextmanager
def server(**options: str) -> Generator[Server, None, None]:
    """Run a server until the block ends; `options` are mariadbd's, underscores for dashes."""
    if why := missing():
        raise RayingestError(f"MariaDB cannot be started: it {why}")
    directory = Path(tempfile.mkdtemp(prefix="rayingest-maria-"))
    try:
        _install(directory)
        process, running = _start(directory, options)
        try:
            yield running
        finally:
            end(process)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _install(directory: Path) -> None:
    directory.chmod(0o755)
    data = directory / "data"
    # One of its own: a server that starts sweeps away what others hold in /tmp.
    temporary = directory / "tmp"
    for each in (data, temporary):
        each.mkdir()
    if account := _account():
        for each in (directory, data, temporary):
            shutil.chown(each, account)
    command = [str(_find("mariadb-install-db")), "--no-defaults", f"--datadir={data}"]
    command += [
        f"--tmpdir={temporary}",
        "--skip-test-db",
        "--auth-root-authentication-method=normal",
        *_as(account),
    ]
    done = subprocess.run(  # noqa: S603 - a binary of the system
        command, cwd=directory, capture_output=True, check=False, timeout=120
    )
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise RayingestError(f"mariadb-install-db failed: {said[-2000:]}")


def _start(directory: Path, options: dict[str, str]) -> tuple[subprocess.Popen[bytes], Server]:
    password = secrets.token_urlsafe(12)
    first = directory / "first.sql"
    first.write_text(
        f"CREATE USER {USER}@'%' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
        "DROP USER IF EXISTS root@localhost, ''@localhost;\n"
    )
    log = directory / "log"
    for _ in range(5):  # another process may take the free port before the server does
        port = free_port()
        process = _spawn(directory, first, log, port, options)
        running = Server(
            "127.0.0.1",
            port,
            directory / "socket",
            password,
            process.pid,
            directory,
            encrypted="require_secure_transport" in options,
        )
        if _ready(process, running):
            first.unlink(missing_ok=True)
            return process, running
        end(process)
    raise RayingestError(f"MariaDB did not start: {log.read_text(errors='replace')[-2000:]}")


def _spawn(
    directory: Path, first: Path, log: Path, port: int, options: dict[str, str]
) -> subprocess.Popen[bytes]:
    settings = {
        "datadir": str(directory / "data"),
        "tmpdir": str(directory / "tmp"),
        "socket": str(directory / "socket"),
        "pid-file": str(directory / "pid"),
        "init-file": str(first),
        "bind-address": "127.0.0.1",
        "port": str(port),
        **OPTIONS,
        **{name.replace("_", "-"): value for name, value in options.items()},
    }
    command = [str(_find("mariadbd")), "--no-defaults", "--skip-name-resolve", *_as(_account())]
    command += [f"--{name}={value}" for name, value in settings.items()]
    with log.open("wb") as out:
        return subprocess.Popen(  # noqa: S603 - a binary of the system
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )


def _ready(process: subprocess.Popen[bytes], running: Server) -> bool:
    pymysql: Any = import_module("pymysql")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            running.connect(connect_timeout=5).close()
        except pymysql.OperationalError:
            time.sleep(0.03)
        else:
            return True
    return False


def _account() -> str | None:
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd

    known = {each.pw_name for each in pwd.getpwall()}
    return "mysql" if "mysql" in known else "nobody"


def _as(account: str | None) -> list[str]:
    return [f"--user={account}"] if account else []


def _find(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(PLACES))
