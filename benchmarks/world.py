# ruff: noqa: INP001, T201, S603, S310 - beside programs; loopback and our own servers only
"""What the benchmarks share: servers that they start and end, a config, a measured child process.

A benchmark prints a table for people on stderr and one JSON object on stdout. Everything listens on
loopback only, lives in one temporary directory, and is ended by its process id.
"""

import argparse
import contextlib
import json
import os
import platform
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
if find_spec("rayingest") is None:  # a checkout that nobody installed
    sys.path.insert(0, str(ROOT))

import yaml  # noqa: E402

from rayingest.testing import postgres  # noqa: E402
from rayingest.testing.shop import ROLES, shop  # noqa: E402

CONTRACTS = Path(os.environ.get("RAYINGEST_CONTRACTS") or ROOT.parent / "shared" / "contracts")
SERVICE = "shop_pg"
DATABASE = "shop"
OWNERS = (postgres.USER, *ROLES)
TICK = os.sysconf("SC_CLK_TCK")


# --- servers ---


@dataclass(frozen=True)
class Source:
    """A running PostgreSQL with a shop of `tables` in it; `counts` is what the shop says there is."""

    server: postgres.Server
    tables: int
    counts: Mapping[str, int]

    def connect(self, database: str = DATABASE) -> Any:
        """A psycopg connection of the superuser."""
        return self.server.connect(database)

    def forget_statements(self) -> None:
        """Start counting anew."""
        with self.connect("postgres") as connection:
            connection.execute("select pg_stat_statements_reset()")

    def statements(self) -> int:
        """How many statements ran in the shop's database since, as the server counts them."""
        query = (
            "select coalesce(sum(s.calls), 0)::int from pg_stat_statements s"
            " join pg_database d on d.oid = s.dbid where d.datname = %s"
        )
        with self.connect("postgres") as connection:
            return int(connection.execute(query, [DATABASE]).fetchone()[0])

    def cpu(self) -> float:
        """CPU seconds of the postmaster and of its ended children (Linux; elsewhere 0)."""
        try:
            text = Path(f"/proc/{self.server.pid}/stat").read_text("utf-8")
        except OSError:
            return 0.0
        return sum(map(int, text.rpartition(")")[2].split()[11:15])) / TICK

    def command(self, program: str, *arguments: str) -> list[str]:
        """A client program of the wheel, told where the server is; its password is in `environment`."""
        where = ["-h", self.server.host, "-p", str(self.server.port), "-U", self.server.user]
        return [str(self.server.bin / program), *where, *arguments, DATABASE]

    @property
    def environment(self) -> dict[str, str]:
        """What its client programs need."""
        return {"PGPASSWORD": self.server.password}


@contextmanager
def source(tables: int, *, seed: int = 1) -> Iterator[Source]:
    """A PostgreSQL with a shop, until the block ends."""
    made = shop(tables, seed=seed)
    with postgres.server() as server:
        server.create(DATABASE)
        say(f"filling a shop of {tables:,} tables …")
        with server.connect(DATABASE) as connection:
            made.fill(connection)
        with server.connect() as connection:
            connection.execute("create extension pg_stat_statements")
        yield Source(server, tables, made.counts)


@dataclass
class Catalogue:
    """A strict catalogue in a process of its own, with the shop's roles as users."""

    url: str
    pid: int
    token: str = field(repr=False)
    before: dict[str, Any] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request; `path` is below the server's root."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            self.url.removesuffix("/api") + path, data, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.loads(answer.read())

    def reset(self) -> None:
        """Forget everything; the users are made anew, and do not count."""
        self.ask("POST", "/__reset")
        for name in OWNERS:
            body = {"name": name, "email": f"{name}@example.com"}
            self.ask("PUT", "/api/v1/users", body)
        self.before = self.ask("GET", "/__stats")

    def stats(self) -> dict[str, Any]:
        """What happened since the reset: the control route's answer without our own requests."""
        now = self.ask("GET", "/__stats")
        for key in ("by", "rows", "statuses"):
            now[key] = {
                name: left
                for name, count in now[key].items()
                if (left := count - self.before[key].get(name, 0))
            }
        for key in ("requests", "bytes_in", "cpu_s"):
            now[key] -= self.before[key]
        return now

    def entities(self, collection: str) -> dict[str, Any]:
        """FQN -> the body as it arrived, with its id."""
        found: dict[str, Any] = self.ask("GET", f"/__entities?collection={collection}")
        return found

    def invalid(self) -> list[Any]:
        """What broke OpenMetadata's schemas; validates the whole write log."""
        found: list[Any] = self.ask("POST", "/__validate")
        return found


@contextmanager
def catalogue(
    *, ms: float = 0, per_entity_ms: float = 0, validate: str = "later"
) -> Iterator[Catalogue]:
    """A catalogue until the block ends. A new one per run: what it holds never slows the next."""
    token = secrets.token_hex(12)
    command = [sys.executable, "-m", "rayingest.testing.catalogue", "--validate", validate]
    command += ["--contracts", str(CONTRACTS), "--token", token]
    command += ["--ms", str(ms), "--per-entity-ms", str(per_entity_ms)]
    with program(command) as said:
        made = Catalogue(said["url"], said["pid"], token)
        made.reset()
        yield made


@contextmanager
def proxy(to: str, *, ms: float) -> Iterator[str]:
    """A slow line to `to` (HOST:PORT), `ms` each way; yields its HOST:PORT."""
    command = [sys.executable, str(HERE / "latency.py"), "--to", to, "--ms", str(ms)]
    with program(command) as said:
        yield str(said["listen"])


@contextmanager
def program(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, patience: float = 60
) -> Iterator[dict[str, Any]]:
    """Run a server that says one JSON line when it is ready; SIGTERM ends it."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=dict(environment or clean_environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker
    watch = threading.Timer(patience, process.kill)
    watch.start()
    try:
        line = process.stdout.readline()
        watch.cancel()
        if not line.strip():
            fail(f"{' '.join(command[:4])} … did not start (exit code {process.wait(10)})")
        yield json.loads(line)
    finally:
        watch.cancel()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        process.stdout.close()


# --- one run ---


@contextmanager
def scratch() -> Iterator[Path]:
    """A short temporary directory (Ray's sockets have room for 107 bytes), removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="rib-", dir="/tmp" if os.path.isdir("/tmp") else None))  # noqa: PTH112, S108
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clean_environment(folder: Path | None = None) -> dict[str, str]:
    """The environment of a child: no settings of whoever runs this, state and Ray's files in `folder`.

    What is installed is compiled; so is what is measured: a shell that forbids Python to keep byte
    code would have every process compile all of rayingest anew.
    """
    ours = ("RAYINGEST_", "RAY_", "PG", "OPENMETADATA_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    kept |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    if folder is not None:
        kept |= {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
        kept["RAYINGEST_RAY_TEMP_DIR"] = str(folder / "ray")
    return kept


def document(source: Source, catalogue: Catalogue, *, host_port: str = "") -> dict[str, Any]:
    """The config with every facet on; `host_port` is another way to the same server."""
    connection = source.server.config(DATABASE)
    if host_port:
        connection["hostPort"] = host_port
    wanted = {
        "type": "DatabaseMetadata",
        "includeOwners": True,
        "includeDDL": True,
        "includeTags": True,
        "includeTables": True,
        "includeViews": True,
        "includeStoredProcedures": True,
    }
    return workflow("postgres", SERVICE, connection, wanted, catalogue)


def workflow(
    kind: str,
    service: str,
    connection: Mapping[str, Any],
    wanted: Mapping[str, Any],
    catalogue: Catalogue,
) -> dict[str, Any]:
    """A config from any source into a catalogue."""
    server = {
        "hostPort": catalogue.url,
        "authProvider": "openmetadata",
        "securityConfig": {"jwtToken": catalogue.token},
    }
    return {
        "source": {
            "type": kind,
            "serviceName": service,
            "serviceConnection": {"config": dict(connection)},
            "sourceConfig": {"config": dict(wanted)},
        },
        "sink": {"type": "metadata-rest", "config": {}},
        "workflowConfig": {"loggerLevel": "WARN", "openMetadataServerConfig": server},
    }


def write_config(folder: Path, given: Mapping[str, Any]) -> Path:
    """The config as a file that nobody else can read."""
    path = folder / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(dict(given)), "utf-8")
    return path


def run_command(
    config: Path, report: Path, *, engine: str, parallelism: int, address: str = ""
) -> list[str]:
    """`rayingest run` as a whole process."""
    command = [sys.executable, "-m", "rayingest", "run", str(config)]
    command += ["--engine", engine, "--parallelism", str(parallelism), "--allow-untested"]
    command += ["--address", address] if address else []
    return [*command, "--progress", "none", "--report-json", str(report)]


@dataclass(frozen=True)
class Measured:
    """A child process: seconds of wall and CPU (user and system, waited-for children too), bytes."""

    wall_s: float
    cpu_s: float
    max_rss_mb: float
    code: int
    output: str = field(repr=False)

    @property
    def numbers(self) -> dict[str, float]:
        """What goes into the JSON."""
        return {"wall_s": self.wall_s, "cpu_s": self.cpu_s, "max_rss_mb": self.max_rss_mb}


def measure(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    timeout: float = 600,
    allowed: Iterable[int] = (0,),
    keep: bool = True,
) -> Measured:
    """Run a command to its end. Ends this program when the command fails; `keep` its output."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as usage:
        helper = [sys.executable, "-I", "-S", str(HERE / "measured.py"), str(usage.fileno())]
        process = subprocess.Popen(
            [*helper, *command],
            cwd=ROOT,
            env=dict(environment or clean_environment()),
            stdin=subprocess.DEVNULL,
            stdout=said if keep else subprocess.DEVNULL,
            stderr=said,
            pass_fds=[usage.fileno()],
            start_new_session=True,
        )
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            _end_session(process.pid)
            process.wait()
            fail(f"{' '.join(command[:6])} … did not end in {timeout:.0f} s")
        except BaseException:
            _end_session(process.pid)
            process.wait()
            raise
        said.seek(0)
        usage.seek(0)
        output, numbers = said.read().decode(errors="replace"), json.loads(usage.read() or "{}")
    if numbers.get("code") not in set(allowed):
        fail(f"{' '.join(command[:6])} … ended with {numbers.get('code')}:\n{output[-4000:]}")
    return Measured(**numbers, output=output)


def _end_session(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def ingest(
    source: Source,
    catalogue: Catalogue,
    *,
    engine: str = "local",
    parallelism: int = 4,
    host_port: str = "",
    timeout: float = 900,
    place: Path | None = None,
) -> dict[str, Any]:
    """One `rayingest run` as a whole process: what it cost, by the client, the server and the sink.

    Its state is in `place`, for the next run to find, or in a folder that is removed at the end.
    """
    with nullcontext(place) if place is not None else scratch() as folder:
        config = write_config(folder, document(source, catalogue, host_port=host_port))
        report = folder / "report.json"
        source.forget_statements()
        server_cpu = source.cpu()
        command = run_command(config, report, engine=engine, parallelism=parallelism)
        done = measure(command, environment=clean_environment(folder), timeout=timeout)
        told = json.loads(report.read_text("utf-8"))
        found = _objects(Path(told["runDirectory"]))
    if told["state"] != "success":
        fail(f"the run ended in {told['state']}: {told['verdict']} {told['errors']}")
    sink = catalogue.stats()
    tables = sum(
        count
        for shape, count in sink["by"].items()
        if shape.startswith(("PUT /tables", "POST /tables", "PATCH /tables"))
    )
    return done.numbers | {
        "server_cpu_s": settled(source) - server_cpu,
        "statements": source.statements(),
        "reported_statements": told["calls"]["source"],
        "rest_calls": sink["requests"],
        "rest_calls_on_tables": tables,
        "rest": sink["by"],
        "rows": sink["rows"],
        "driver_rss_mb": told["peakRssBytes"] / 2**20,
        "run_s": told["seconds"]["total"],
        "seconds": told["seconds"],
        "state_share_of_cpu": told["stateSeconds"] / max(told["cpuSeconds"], 1e-9),
        "audit_share_of_cpu": told["auditSeconds"] / max(told["cpuSeconds"], 1e-9),
        "state_objects": found,
    }


def settled(source: Source) -> float:
    """The server's CPU when the sessions of a client that has left are gone."""
    query = (
        "select count(*) from pg_stat_activity where backend_type = 'client backend'"
        " and pid <> pg_backend_pid()"
    )
    with source.connect("postgres") as connection:
        for _ in range(100):
            if not connection.execute(query).fetchone()[0]:
                break
            time.sleep(0.02)
    return source.cpu()


def _objects(folder: Path) -> int:
    return sum(each.is_file() for each in folder.rglob("*"))


# --- figures ---


def summary(samples: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The median of every number in the samples."""
    names = [name for name, value in samples[0].items() if isinstance(value, int | float)]
    return {name: statistics.median(each[name] for each in samples) for name in names}


def machine() -> dict[str, Any]:
    """The facts to read figures by."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": usable,
        "cpu": _cpu_model(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("psycopg", "ray", "httpx2", "pydantic")},
        "rayingest": _version("rayingest"),
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": _load(),
    }


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _version(name: str) -> str:
    if name == "rayingest":
        from rayingest import __version__

        return __version__
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    ask = [git, "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()


def _load() -> list[float]:
    return [round(each, 2) for each in os.getloadavg()]


def finish(
    benchmark: str, facts: dict[str, Any], result: Mapping[str, Any], *, ok: bool
) -> NoReturn:
    """Print the JSON object and leave: 0 when the figures count, else 1."""
    facts = facts | {"load_after": _load()}
    whole = {"benchmark": benchmark, "counts": ok, "machine": facts, **result}
    print(json.dumps(_rounded(whole), ensure_ascii=False))
    sys.exit(0 if ok else 1)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for people, on stderr."""
    lines = [list(heads), *([_cell(each) for each in row] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    say(f"\n{title}")
    for line in lines:
        first = line[0].ljust(widths[0])
        rest = [text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True)]
        say("  ".join([first, *rest]).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def budget(
    name: str, value: float, limit: float, unit: str = "", *, least: bool = False
) -> list[object]:
    """One line of a budget table: kept or not."""
    kept = value >= limit if least else value <= limit
    return [
        name,
        f"{value:,.4g}{unit}",
        f"{'>=' if least else '<='} {limit:g}{unit}",
        "ok" if kept else "MISSED",
    ]


def say(text: str) -> None:
    """Tell people, not programs."""
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    """Give up: there is no figure."""
    say(text)
    sys.exit(2)


def parser(
    description: str, *, tables: int | None = 10_000, runs: int = 3
) -> argparse.ArgumentParser:
    """The flags that all benchmarks share."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    if tables is not None:
        made.add_argument("--tables", type=int, default=tables, help="relations in the shop")
    made.add_argument("--runs", type=int, default=runs, help="repetitions; medians are told")
    return made
