# ruff: noqa: INP001 - a program that others start
"""Run one command and print what it cost, as JSON into an open file descriptor.

A small process of its own: a child's peak memory is never told lower than that of the process it
was forked from (Linux keeps the larger one across exec), so a big one must not start what is measured.
"""

import json
import os
import sys
import time


def main() -> int:
    """Run as a program: `measured.py DESCRIPTOR COMMAND…`."""
    answer, command = int(sys.argv[1]), sys.argv[2:]
    close = [(os.POSIX_SPAWN_CLOSE, answer)]
    began = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=close)
    _, status, usage = os.wait4(pid, 0)
    told = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "max_rss_mb": usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10),
        "code": os.waitstatus_to_exitcode(status),
    }
    with os.fdopen(answer, "w") as out:
        json.dump(told, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
