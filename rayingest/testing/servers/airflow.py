"""An Apache Airflow for tests: its parser, its tasks and its triggers in one process, its metadata in SQLite.

It lives in an environment of its own (230 MB with rayingest's packages, which go together with it; 12 s
with `uv`). Scheduler, triggerer and API server are no processes here: `DAG.test` does their work, with
Airflow's own code. It is stopped by its process id.
"""

import json
import os
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rayingest.errors import RayingestError
from rayingest.testing.environments import Environment
from rayingest.testing.processes import end

VERSION = "3.3.2"
# Airflow, and what rayingest imports: its own dependencies and its extra `k8s`.
PINS = (
    f"apache-airflow=={VERSION}",
    "httpx2>=2.16",
    "lightkube>=1.0",
    "msgspec>=0.19",
    "pydantic>=2.12",
    "pyyaml>=6.0.1",
    "rich>=13.7",
    "sqlglot>=26",
    "stamina>=26.1",
    "typer>=0.29",
)
ENVIRONMENT = Environment("airflow", PINS, slow=True, until="2026-11-20")
APP = Path(__file__).with_name("airflow_app.py")
SOURCES = Path(__file__).parents[3]
Json = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running Airflow: what is asked of it is done one after the other."""

    process: subprocess.Popen[str] = field(repr=False)

    def asked(self, what: str, folder: Path, environ: Mapping[str, str] = {}, **more: Any) -> Json:
        """Do something with the DAG files of a folder; the answer, with all that was logged as `log`."""
        told = {"what": what, "folder": str(folder), "environ": dict(environ), **more}
        assert self.process.stdin is not None  # noqa: S101 - for types
        self.process.stdin.write(f"{json.dumps(told)}\n")
        self.process.stdin.flush()
        log, answer = _heard(self.process)
        if "error" in answer:
            raise RayingestError(f"Airflow could not {what}: {answer['error']}\n{log[-4000:]}")
        return {**answer, "log": log}


@contextmanager
def server(folder: Path) -> Generator[Server]:
    """Run one until the block ends; it keeps what it knows in a folder. Raises RayingestError."""
    if why := ENVIRONMENT.missing():
        raise RayingestError(f"Airflow cannot be started: it {why}")
    kept = {key: os.environ[key] for key in ("PATH", "TMPDIR", "LANG") if key in os.environ}
    told = {
        "HOME": str(folder),
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "PYTHONPATH": str(SOURCES),
        "NO_COLOR": "1",
    }
    process = subprocess.Popen(  # noqa: S603 - our own script
        [str(ENVIRONMENT.python), "-P", str(APP)],  # -P: beside it lies our airflow.py
        cwd=folder,
        env={**kept, **told},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        log, answer = _heard(process)
        if "ready" not in answer:
            raise RayingestError(f"Airflow did not start: {log[-2000:]}")
        yield Server(process)
    finally:
        assert process.stdin is not None  # noqa: S101 - for types
        assert process.stdout is not None  # noqa: S101
        process.stdin.close()  # it ends with its input, and takes no notice of SIGTERM
        end(process)
        process.stdout.close()


def _heard(process: subprocess.Popen[str]) -> tuple[str, Json]:
    """What was logged until the next answer, and the answer; none when it ended."""
    log: list[str] = []
    for line in process.stdout or ():
        if line.startswith('{"answer":'):
            return "".join(log), dict(json.loads(line)["answer"])
        log.append(line)
    return "".join(log), {"error": "it ended"}
