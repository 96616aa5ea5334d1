"""Environments of their own for servers whose packages do not go together with ours.

    python -m rayingest.testing.servers [NAME ...] [--fast | --slow]

installs what the modules of `rayingest.testing.servers` pin, below the folder that RAYINGEST_SERVERS
names, or else below the user's caches; what is there already is left alone. A server is a process of
its environment's Python, on a loopback port, and is ended by its id.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from rayingest.errors import RayingestError
from rayingest.testing.processes import end, excused, free_port

SERVERS = Path(__file__).with_name("servers")
CACHES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PLACE = Path(
    os.environ.get("RAYINGEST_SERVERS") or CACHES / "rayingest" / "servers"
)  # when this is imported: tests get a home of their own later


@dataclass(frozen=True, slots=True)
class Environment:
    """What pip is to install for a server; `slow` ones are big, and only slow tests need them.

    `after` is run once by the environment's Python, when all is installed. `until` is a date: `uv` then
    takes nothing that came out later, for those who need more packages than can be pinned.
    """

    name: str
    pins: tuple[str, ...]
    slow: bool = False
    after: str = ""
    until: str = ""

    @property
    def folder(self) -> Path:
        """Where it is, or would be."""
        return PLACE / self.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def install(self) -> None:
        """Make it, unless it is there; `uv` takes seconds, pip minutes. Raises RayingestError."""
        done = self.folder / "rayingest-installed"
        wanted = "\n".join((*self.pins, self.after, *([self.until] if self.until else [])))
        if done.exists() and done.read_text() == wanted:
            return
        _run(sys.executable, "-m", "venv", "--clear", str(self.folder))
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(self.python)]
        uv += ["--exclude-newer", self.until] if self.until else []
        if not find_spec("uv") or not _ran(*uv, *self.pins):
            _run(str(self.python), "-m", "pip", "install", "--quiet", *self.pins)
        if self.after:
            _run(str(self.python), "-c", self.after)
        done.write_text(wanted)

    def missing(self) -> str | None:
        """Why no server can be started here; None when one can."""
        if (self.folder / "rayingest-installed").exists():
            return None
        return f"needs {self.name}: python -m rayingest.testing.servers {self.name}"

    def available(self) -> str | None:
        """Like `missing`, but an error where servers are required (RAYINGEST_REQUIRE_SERVERS=1)."""
        return excused(self.missing())

    @contextmanager
    def running(
        self,
        command: Callable[[Path, int], Sequence[str]],
        ready: Callable[[int], bool],
        *,
        seconds: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Generator[int]:
        """A process until the block ends; gives its port. Raises RayingestError.

        `command` makes arguments for the environment's Python of a folder of its own and a port;
        `ready` says whether something answers there, and may raise OSError.
        """
        if why := self.missing():
            raise RayingestError(f"{self.name} cannot be started: it {why}")
        folder = Path(tempfile.mkdtemp(prefix=f"rayingest-{self.name}-"))
        kept = {key: os.environ[key] for key in ("PATH", "TMPDIR", "LANG") if key in os.environ}
        try:
            for _ in range(3):  # another process may take the free port before the server does
                port = free_port()
                with (folder / "log").open("wb") as log:
                    process = subprocess.Popen(  # noqa: S603 - our own arguments
                        [str(self.python), *command(folder, port)],
                        cwd=folder,
                        env={**kept, "HOME": str(folder), **(environment or {})},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                    )
                try:
                    if _answers(process, port, ready, seconds):
                        yield port
                        return
                finally:
                    end(process)
            said = (folder / "log").read_text(errors="replace")[-2000:]
            raise RayingestError(f"{self.name} did not start: {said}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def known() -> dict[str, Environment]:
    """All environments, by the names of their servers' modules."""
    found = {}
    for path in sorted(SERVERS.glob("[!_]*.py")):
        if path.stem.endswith("_app"):  # it runs in its environment, and only there
            continue
        made = getattr(import_module(f"rayingest.testing.servers.{path.stem}"), "ENVIRONMENT", None)
        if isinstance(made, Environment):
            found[path.stem] = made
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Install environments; an exit code."""
    parser = argparse.ArgumentParser(prog="python -m rayingest.testing.servers")
    parser.add_argument("names", nargs="*", metavar="NAME", help="all when none is given")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--fast", action="store_true", help="leave out what only slow tests need")
    only.add_argument("--slow", action="store_true", help="only what slow tests need")
    given = parser.parse_args(arguments)
    environments = known()
    if strange := [each for each in given.names if each not in environments]:
        parser.error(f"unknown: {', '.join(strange)}; there are {', '.join(environments)}")
    for name, each in environments.items():
        if (given.names and name not in given.names) or (each.slow and given.fast):
            continue
        if given.slow and not each.slow:
            continue
        print(f"{name}: {each.folder}", flush=True)  # noqa: T201 - a command
        each.install()
    return 0


def _answers(
    process: subprocess.Popen[bytes], port: int, ready: Callable[[int], bool], seconds: float
) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            if ready(port):
                return True
        time.sleep(0.05)
    return False


def _ran(*command: str) -> bool:
    return not subprocess.run(command, check=False).returncode  # noqa: S603 - our own arguments


def _run(*command: str) -> None:
    if not _ran(*command):
        raise RayingestError(f"{' '.join(command)} failed")
