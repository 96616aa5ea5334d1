"""A run as its user sees it: a config, a catalogue, what was said, and the books that must balance."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import rayingest as ri
from rayingest.api import Run, remembering
from rayingest.execute.report import Report
from rayingest.testing import StrictCatalogue
from rayingest.testing.postgres import Server

ROLE = "ingest"
PASSWORD = "canary-pg-7f3a91"  # noqa: S105
TOKEN = "canary-jwt-2c48d0"  # noqa: S105
COLLECTIONS = (
    "services/databaseServices",
    "databases",
    "databaseSchemas",
    "tables",
    "storedProcedures",
)
# `bad` is a view whose rule speaks of a table that is no more, once `lost` is dropped.
BROKEN = (
    "create table {s}.t (i int); create table {s}.lost (i int);"
    "create view {s}.other as select i from {s}.lost; create view {s}.bad as select i from {s}.t;"
    "set allow_system_table_mods = on;"
    "update pg_rewrite set ev_action = (select ev_action from pg_rewrite "
    "where ev_class = '{s}.other'::regclass) where ev_class = '{s}.bad'::regclass"
)
ENDS = ("ok", "unchanged", "skipped", "failed", "quarantined")


@dataclass
class World:
    """One database, one catalogue, one folder; every run in it is audited."""

    server: Server
    database: str
    catalogue: StrictCatalogue | None
    folder: Path
    said: list[str] = field(default_factory=list)
    secrets: tuple[str, ...] = (PASSWORD, TOKEN)

    def config(
        self,
        *,
        options: Mapping[str, Any] | None = None,
        connection: Mapping[str, Any] | None = None,
        sink: Mapping[str, Any] | None = None,
        server: Mapping[str, Any] | None = None,
        execution: Mapping[str, Any] | None = None,
        name: str = "config.yaml",
        **top: Any,
    ) -> Path:
        """Write the YAML; every argument is merged over what works."""
        execution = {"parallelism": 2, **(execution or {})}
        threads = {"threads": execution["parallelism"]}  # what the local engine goes by
        source = {
            "type": "postgres",
            "serviceName": "svc",
            "serviceConnection": {
                "config": self.server.config(
                    self.database, username=ROLE, authType={"password": PASSWORD}
                )
                | dict(connection or {})
            },
            "sourceConfig": {"config": {"type": "DatabaseMetadata", **threads, **(options or {})}},
        }
        workflow: dict[str, Any] = {
            "distributedExecution": {
                "retryPolicy": {"maxAttempts": 3, "backoffSeconds": 0.02},
                "sinkOutageSeconds": 1,
                **execution,
            }
        }
        if self.catalogue is not None:
            workflow["openMetadataServerConfig"] = {
                "hostPort": self.catalogue.url,
                "authProvider": "openmetadata",
                "securityConfig": {"jwtToken": TOKEN},
                **(server or {}),
            }
        tree = {
            "source": source | top.pop("source", {}),
            "sink": sink or {"type": "metadata-rest", "config": {}},
            "workflowConfig": workflow | top.pop("workflow", {}),
            **top,
        }
        path = self.folder / name
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return path

    def run(self, config: Path | None = None, /, **wishes: Any) -> Run:
        """Run through the public API, then audit what it left."""
        observe = wishes.pop("observe", None)
        unfinished = wishes.pop("unfinished", False)
        engine = wishes.pop("engine", "local")
        job = ri.load(config or self.config(), flags={"engine": engine})
        run = job.run(
            log=lambda level, text: self.said.append(f"{level}: {text}"),
            observe=observe,
            allow_untested=True,
            **wishes,
        )
        balanced(run.report, unfinished=unfinished)
        self.discreet(run)
        return run

    def discreet(self, run: Run) -> None:
        """No secret in the report, in what was said, in the run's directory, in what it shows."""
        assert run.directory is not None
        files = [each for each in Path(run.directory.url).rglob("*") if each.is_file()]
        texts = [run.report.to_json().decode(), repr(run), *map(repr, run.entities()), *self.said]
        texts += [each.read_text() for each in files]
        shown = [text[:300] for text in texts if any(each in text for each in self.secrets)]
        assert not shown, shown

    def outcome(self) -> dict[str, dict[str, Any]]:
        """What the catalogue holds: collection -> FQN -> body without the ids it made."""
        assert self.catalogue is not None
        return outcome(self.catalogue)


def with_role(server: Server) -> Server:
    """Let a role log in that may do nothing else."""
    with server.connect() as connection:
        connection.execute(
            f"do $$ begin create role {ROLE} login password '{PASSWORD}'; "
            "exception when duplicate_object then null; end $$"
        )
    return server


def database(server: Server, name: str, *statements: str) -> str:
    """Make a database out of statements."""
    server.create(name)
    with server.connect(name) as connection:
        for statement in statements:
            connection.execute(statement)
    return name


def outcome(catalogue: StrictCatalogue) -> dict[str, dict[str, Any]]:
    """Everything a catalogue holds, comparable with another one's."""
    return {
        each: {
            name: {key: value for key, value in body.items() if key != "id"}
            for name, body in catalogue.entities(each).items()
        }
        for each in COLLECTIONS
    }


def balanced(report: Report, *, unfinished: bool = False) -> None:
    """Both books; a run that was stopped may have open descriptors, never too many ends."""
    for kind, book in report.types.items():
        ended = sum(book[end] for end in ENDS)
        good = ended <= book["discovered"] if unfinished else ended == book["discovered"]
        assert good, (kind, book, report.verdict)
    for kind, book in report.entities.items():
        answered = book["acknowledged"] + book["refused"] + book["unchanged"]
        good = answered <= book["emitted"] if unfinished else answered == book["emitted"]
        assert good, (kind, book, report.verdict)


def told(report: Report) -> str:
    """All that a user reads of a run."""
    parts = [report.verdict, *report.warnings, *report.advice]
    parts += [f"{each.message} {each.hint or ''} {each.samples}" for each in report.errors]
    return "\n".join(parts)


def tells(report: Report, *words: str) -> None:
    """The report says all of these."""
    text = told(report)
    missing = [each for each in words if each not in text]
    assert not missing, f"{missing} not in:\n{text}"


@dataclass
class Proxy:
    """A TCP proxy before a server, with a say in what passes.

    `hook` sees what clients send, connection by connection, before it is passed on; when it answers a
    number, so many bytes of the server's answer still pass, and then the line is cut.
    """

    host: str
    port: int
    hook: Callable[[bytes], int | None] = lambda _: None
    cuts: int = 0
    connections: int = 0
    _sockets: list[socket.socket] = field(default_factory=list)
    _listening: socket.socket | None = None

    @property
    def host_port(self) -> str:
        assert self._listening is not None
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    @contextmanager
    def serve(self) -> Iterator["Proxy"]:
        self._listening = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            for each in (self._listening, *self._sockets):
                _end(each)
            thread.join(5)

    def _accept(self) -> None:
        assert self._listening is not None
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.connections += 1
                try:
                    server = socket.create_connection((self.host, self.port))
                except OSError:
                    _end(client)
                    continue
                self._sockets += [client, server]
                line = _Line(self, client, server)
                for each in (line.up, line.down):
                    threading.Thread(target=each, daemon=True).start()


@dataclass
class _Line:
    proxy: Proxy
    client: socket.socket
    server: socket.socket
    left: int | None = None

    def up(self) -> None:
        with suppress(OSError):
            while data := self.client.recv(65536):
                cut = self.proxy.hook(data)
                if cut is not None:
                    self.left = cut
                self.server.sendall(data)
        _end(self.server)

    def down(self) -> None:
        with suppress(OSError):
            while data := self.server.recv(65536):
                if self.left is not None:
                    data = data[: self.left]
                    self.left -= len(data)
                self.client.sendall(data)
                if self.left == 0:
                    self.proxy.cuts += 1
                    break
        _end(self.client)
        _end(self.server)


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """From now on runs believe that so many days have passed."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            moment = datetime.now(tz) + timedelta(days)
            return cls(moment.year, moment.month, moment.day, tzinfo=tz)

    monkeypatch.setattr(remembering, "datetime", Clock)
