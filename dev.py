#!/usr/bin/env python3
"""Everything a newcomer needs, with nothing but Python 3.11 or newer on the machine.

    python3 dev.py demo          fill a database, ingest it on Ray, show the result
    python3 dev.py test [...]    run the tests; further arguments are pytest's
    python3 dev.py docs          write the generated parts of docs/ again
    python3 dev.py k8s           write the generated files of k8s/ again
    python3 dev.py reliability   inject all faults, and write the figures of docs/reliability.md
    python3 dev.py install       only make the environment

The first use makes `.venv` here and installs into it; nothing else of the machine is touched.
"""

import contextlib
import ctypes
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "rayingest-installed"
# On top of the package itself: extras, and groups of development dependencies.
WANTED = {
    "demo": (["demo"], []),
    "dev": (
        [
            "demo",
            "mysql",
            "duckdb",
            "snowflake",
            "bigquery",
            "clickhouse",
            "aws",
            "looker",
            "mongodb",
            "redshift",
            "cockroach",
            "oracle",
            "vertica",
            "exasol",
            "teradata",
            "saphana",
            "db2",
            "mssql",
            "deltalake",
            "iceberg",
            "gcs",
            "adls",
            "hive",
            "k8s",
            "s3",
            "datalake",
            "contract",
        ],
        ["dev"],
    ),
}
PAGES = {
    "docs": "docs/generate.py",
    "k8s": "k8s/render.py",
    "reliability": "docs/reliability.py",
}
UV = "uv>=0.5"
GRACE_SECONDS = 10
SET_CHILD_SUBREAPER = 36  # prctl(2)


def main(arguments: list[str]) -> int:
    """Run one command; answers its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before anything is installed
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    match arguments:
        case ["demo", *more]:
            install("demo")
            return supervise([str(PYTHON), "examples/demo.py", *more])
        case ["test", *more]:
            install("dev")
            return supervise([str(PYTHON), "-m", "pytest", *more])
        case [("docs" | "k8s" | "reliability") as what, *more]:
            install("dev")
            return supervise([str(PYTHON), PAGES[what], *more])
        case ["install"]:
            install("dev")
            return 0
        case _:
            print(__doc__)
            return 0 if arguments in ([], ["-h"], ["--help"], ["help"]) else 2


def install(what: str) -> None:
    """Make the environment, or bring it up to date, if pyproject.toml says so."""
    wanted = f"{fingerprint()} {what}"
    installed = STAMP.read_text().splitlines() if PYTHON.exists() and STAMP.exists() else []
    if wanted in installed:
        return
    if not PYTHON.exists():
        say("making .venv")
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode:
            sys.exit("venv failed. On Debian and Ubuntu: apt-get install python3-venv")
    extras, groups = WANTED[what]
    say(f"installing rayingest[{','.join(extras)}] into .venv (a minute or a few the first time)")
    packages = ["--editable", f".[{','.join(extras)}]", *requirements(groups)]
    if not uv_installs(packages) and (code := run("pip", "install", "--quiet", *packages)):
        sys.exit(code)
    current = [each for each in installed if each.startswith(fingerprint())]
    STAMP.write_text("\n".join([*current, wanted]) + "\n")


def uv_installs(packages: list[str]) -> bool:
    """Whether uv, which is faster than pip, could do it: it reads no configuration of pip's but the index."""
    if run("pip", "install", "--quiet", UV):
        return False
    told = [str(PYTHON), "-m", "pip", "config", "list"]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    if index := re.search(r"^\S+\.index-url='(.*)'$", done.stdout, re.MULTILINE):
        os.environ.setdefault("UV_DEFAULT_INDEX", index[1])
    into = ["--compile-bytecode", "--python", str(PYTHON)]
    return not run("uv", "pip", "install", "--quiet", *into, *packages)


def run(module: str, *arguments: str) -> int:
    """Run a module by the environment's Python; answers its exit code."""
    command = [str(PYTHON), "-m", module, *arguments]
    os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def fingerprint() -> str:
    """What was asked for at the time of an installation."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()[:16]


def requirements(groups: list[str]) -> list[str]:
    """Dependency groups spelled out: the pip that comes with Python 3.11 cannot read them."""
    import tomllib

    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]

    def spelled(group: str) -> list[str]:
        found: list[str] = []
        for each in table[group]:
            found += [each] if isinstance(each, str) else spelled(each["include-group"])
        return found

    return [each for group in groups for each in spelled(group)]


def supervise(command: list[str]) -> int:
    """Run a command here; afterwards nothing that it started is left, not even an orphan."""
    adopt_orphans()
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    child = subprocess.Popen(command, cwd=ROOT, env=environment)
    if os.name == "nt":
        return child.wait()
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the child hears Ctrl-C itself
    code = reap_until(child.pid)
    child.returncode = code
    left = end_leftovers()
    for pid, name in left.items():
        print(f"dev.py: ended process {pid}, which was left behind: {name}", file=sys.stderr)
    return 128 - code if code < 0 else code or (1 if left else 0)


def adopt_orphans() -> None:
    """On Linux, become the parent of every descendant whose own parent ends."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_until(pid: int) -> int:
    """Wait for one child, burying adopted ones meanwhile; answers its exit code."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def end_leftovers() -> dict[int, str]:
    """Wait a little for descendants to end; kill, by id, those that do not."""
    deadline = time.monotonic() + GRACE_SECONDS
    while children() and time.monotonic() < deadline:
        time.sleep(0.1)
    left: dict[int, str] = {}
    while alive := children():  # the children of a killed child become ours
        left |= alive
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    return left


def children() -> dict[int, str]:
    """Living children of this process with their command lines; dead ones are buried."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):  # there is none on macOS
        with contextlib.suppress(OSError, IndexError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = line.decode(errors="replace").strip()[:200]
    return found


def say(text: str) -> None:
    """One line about what takes time."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
