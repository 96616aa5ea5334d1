"""Start a throw-away ClickHouse on loopback ports, from the binary of Debian's `clickhouse-server`.

Everything lives in one temporary directory, with a config of its own; no service is touched, and the
server is stopped by its process id. Debian's is 18.16 of 2018: system tables have fewer columns than
today, and there are no grants, only `allow_databases` of a user in the config.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import httpx2

from rayingest.errors import RayingestError
from rayingest.testing.processes import end, excused, free_port

BINARY = "clickhouse-server"
PLACES = ("/usr/sbin", "/usr/bin", "/usr/local/bin")
USER = "rayingest_root"
CONFIG = """<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http}</http_port>
  <tcp_port>{native}</tcp_port>
  <path>{folder}/data/</path>
  <tmp_path>{folder}/tmp/</tmp_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
  <max_concurrent_queries>100</max_concurrent_queries>
  <keep_alive_timeout>1</keep_alive_timeout>
  <remote_servers><alone><shard><replica>
    <host>127.0.0.1</host><port>{native}</port>
  </replica></shard></alone></remote_servers>
{more}</yandex>
"""
TLS = """  <https_port>{https}</https_port>
  <tcp_port_secure>{secure}</tcp_port_secure>
  <openSSL><server>
    <certificateFile>{certificate}</certificateFile>
    <privateKeyFile>{key}</privateKeyFile>
    <verificationMode>none</verificationMode>
  </server></openSSL>
"""
ACCOUNT = """<{name}><password>{password}</password><networks><ip>127.0.0.1</ip></networks>
<profile>{profile}</profile><quota>default</quota>{more}</{name}>"""


@dataclass(frozen=True, slots=True)
class User:
    """An account of the config: its password, its profile's settings, the databases it may see."""

    password: str = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)
    databases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens and who may do everything there."""

    host: str
    http: int
    native: int
    https: int
    secure: int
    password: str = field(repr=False)
    process: subprocess.Popen[bytes]
    directory: Path
    user: str = USER

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self.process.pid

    def run(self, *statements: str) -> str:
        """Execute statements as the user who may do everything; what the last one answers, by tabs."""
        said = ""
        account = (self.user, self.password)
        with httpx2.Client(auth=account, timeout=60, verify=False) as client:
            for statement in statements:
                url = f"http://{self.host}:{self.http}/"
                answer = client.post(url, content=statement.encode())
                if not answer.is_success:
                    raise RayingestError(f"{statement[:200]}: {answer.text}")
                said = answer.text
        return said

    def config(self, scheme: str = "clickhouse+http", /, **changes: Any) -> dict[str, Any]:
        """`serviceConnection.config` for this server."""
        port = self.native if scheme == "clickhouse+native" else self.http
        return {
            "type": "Clickhouse",
            "scheme": scheme,
            "username": self.user,
            "password": self.password,
            "hostPort": f"{self.host}:{port}",
            **changes,
        }


def missing() -> str | None:
    """Why no server can be started here; None when one can."""
    return None if _find() else f"needs {BINARY}: apt-get install clickhouse-server"


def available() -> str | None:
    """Like `missing`, but an error where servers are required (RAYINGEST_REQUIRE_SERVERS=1)."""
    return excused(missing())


@contextmanager
def server(
    *, users: Mapping[str, User] | None = None, certificate: Path | None = None
) -> Generator[Server, None, None]:
    """Run a server until the block ends; `certificate` is a PEM file with a key, for ports with TLS."""
    if why := missing():
        raise RayingestError(f"ClickHouse cannot be started: it {why}")
    directory = Path(tempfile.mkdtemp(prefix="rayingest-click-"))
    try:
        running = _start(directory, users or {}, certificate)
        try:
            yield running
        finally:
            end(running.process, signal.SIGKILL)  # it would wait for statements
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _start(directory: Path, users: Mapping[str, User], certificate: Path | None) -> Server:
    password = secrets.token_urlsafe(12)
    _write_users(directory, {USER: User(password), **users})
    log = directory / "log"
    for _ in range(5):  # another process may take a free port before the server does
        http, native, https, secure = (free_port() for _ in range(4))
        more = TLS.format(https=https, secure=secure, certificate=certificate, key=certificate)
        text = CONFIG.format(
            http=http, native=native, folder=directory, more=more if certificate else ""
        )
        (directory / "config.xml").write_text(text)
        with log.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - a binary of the system
                [str(_find()), f"--config-file={directory / 'config.xml'}"],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        running = Server("127.0.0.1", http, native, https, secure, password, process, directory)
        if _ready(running):
            return running
        end(process)
    raise RayingestError(f"ClickHouse did not start: {log.read_text(errors='replace')[-2000:]}")


def _write_users(directory: Path, users: Mapping[str, User]) -> None:
    profiles, accounts = ["<default/>"], []
    for name, user in users.items():
        settings = "".join(
            f"<{key}>{escape(value)}</{key}>" for key, value in user.settings.items()
        )
        profiles.append(f"<of_{name}>{settings}</of_{name}>")
        allowed = "".join(f"<database>{escape(each)}</database>" for each in user.databases)
        more = f"<allow_databases>{allowed}</allow_databases>" if allowed else ""
        accounts.append(
            ACCOUNT.format(
                name=name, password=escape(user.password), profile=f"of_{name}", more=more
            )
        )
    text = (
        f"<yandex><profiles>{''.join(profiles)}</profiles><users>{''.join(accounts)}</users>"
        "<quotas><default/></quotas></yandex>"
    )
    (directory / "users.xml").write_text(text, "utf-8")


def _ready(running: Server) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.process.poll() is None:
        try:
            running.run("select 1")
        except httpx2.TransportError:
            time.sleep(0.03)
        else:
            return True
    return False


def _find() -> str | None:
    return shutil.which(BINARY) or shutil.which(BINARY, path=os.pathsep.join(PLACES))
