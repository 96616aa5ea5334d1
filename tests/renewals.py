"""Which connectors' grades a run of the tests has shown again, and why the others were not."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from rayingest.api.grades import gradings

TEST = "::test_the_grade_is_what_the_tests_show"
NOT_RUN = "not among the tests that ran"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Below pytest's own summary, when at least one grade was asked for."""
    told = outcomes(terminalreporter.stats)
    if told:
        terminalreporter.section("grades")
        for line in lines(told, dt.datetime.now(dt.UTC).date()):
            terminalreporter.line(line)


def outcomes(stats: Mapping[str, list[Any]]) -> dict[str, str]:
    """What became of each connector's grade: "" when it was shown, else why not."""
    found = {}
    for outcome in ("passed", "skipped", "failed", "error"):
        for report in stats.get(outcome, ()):
            if TEST in getattr(report, "nodeid", ""):
                found[connector(report.nodeid)] = "" if outcome == "passed" else why(report)
    return found


def connector(nodeid: str) -> str:
    """The name in brackets, or else of the folder: `…/superset/test_server.py::test_the_grade…`."""
    path, _, test = nodeid.partition(TEST)
    return test[1:-1] or path.split("/")[-2]


def why(report: Any) -> str:
    """One line: a skip's reason, or that it failed."""
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        return str(report.longrepr[-1]).removeprefix("Skipped: ")
    return f"the test {report.outcome}"


def lines(told: Mapping[str, str], today: dt.date) -> Iterator[str]:
    """How many were renewed, which were not by their reason, and which are stale by now."""
    renewed = sorted(name for name, reason in told.items() if not reason)
    yield f"renewed: {len(renewed)} ({', '.join(renewed) or 'none'})"
    missed = defaultdict(list)
    for name in gradings().keys() | told.keys():
        if reason := told.get(name, NOT_RUN):
            missed[reason].append(name)
    for reason, names in sorted(missed.items()):
        yield f"not renewed: {', '.join(sorted(names))}: {reason}"
    stale = sorted(name for name, each in gradings().items() if each.stale(today))
    if stale:
        yield f"stale, store them anew with --write-grades: {', '.join(stale)}"
