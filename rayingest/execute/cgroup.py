"""What the machine, or the container that we are in, gives us: memory, and whether CPU is held back.

Control groups of version 2 (`memory.max`, `cpu.stat`) and 1 (`memory.limit_in_bytes`, `cpu.stat` of
the cpu controller), as the kernel's documentation (admin-guide/cgroup-v2, cgroup-v1) has them; the
limit of any group above ours holds, too. Without /proc there is no limit, and nothing is known.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/")
UNLIMITED = 1 << 60  # version 1 writes a number near 2**63 where there is no limit


def memory_limit(root: Path = ROOT) -> int | None:
    """Bytes that this process and its neighbours may have together; None when that is not known."""
    files = (
        *_files("memory", "memory.max", root),
        *_files("memory", "memory.limit_in_bytes", root),
    )
    found = [number for each in files if (number := _number(each)) is not None]
    with suppress(ValueError, OSError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min((each for each in found if 0 < each < UNLIMITED), default=None)


def resident(root: Path = ROOT) -> int:
    """Bytes of memory that this process holds now; 0 when that is not known."""
    try:
        pages = (root / "proc/self/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def throttled(root: Path = ROOT) -> float:
    """Seconds that the CPU limit of our group has held its threads back, since the group was made."""
    for file in _files("cpu", "cpu.stat", root):
        told = _pairs(file)
        if "throttled_usec" in told:
            return told["throttled_usec"] / 1e6
        if "throttled_time" in told:
            return told["throttled_time"] / 1e9
    return 0.0


def _files(controller: str, name: str, root: Path) -> Iterator[Path]:
    """Files of this name in our groups, the innermost first."""
    mounted = root / "sys/fs/cgroup"
    for hierarchy, path in _groups(controller, root):
        base = mounted / hierarchy if hierarchy else mounted
        inner = Path(path.lstrip("/"))
        for each in (inner, *inner.parents):
            # In a container our path is that of the host: what is mounted is the group itself.
            if (file := base / each / name).is_file():
                yield file


def _groups(controller: str, root: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield "", path
            yield "unified", path
        elif controller in controllers.split(","):
            yield controllers, path
            yield controller, path


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # "max"
        return None


def _pairs(file: Path) -> dict[str, int]:
    try:
        words = (line.split() for line in file.read_text().splitlines())
        return {each[0]: int(each[1]) for each in words if len(each) == 2}
    except (OSError, ValueError):
        return {}
