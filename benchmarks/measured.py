# ruff: noqa: INP001, S603, T201 - a program that others start
"""Run one command and print what it cost, as JSON on file descriptor 3.

A small process of its own: a child's peak memory is never told lower than that of the process it
was forked from (Linux keeps the larger one across exec), so a big one must not start what is measured.
"""

import json
import os
import sys
import time


def main() -> int:
    """Run as a program: `measured.py COMMAND…`, descriptor 3 open."""
    began = time.perf_counter()
    pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, 3)])
    _, status, usage = os.wait4(pid, 0)
    told = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "max_rss_mb": usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
        "code": os.waitstatus_to_exitcode(status),
    }
    with os.fdopen(3, "w") as out:
        json.dump(told, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
