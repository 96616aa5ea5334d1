"""Grades of connectors: generated from test results, never written by hand."""

import datetime as dt
from functools import cache
from importlib import resources

import msgspec

FRESH = dt.timedelta(days=30)


class Grading(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the tests showed for one connector: a grade, overall and per capability, where and when."""

    grade: str
    server: str = ""
    commit: str = ""
    date: str = ""
    capabilities: dict[str, str] = {}

    def stale(self, today: dt.date) -> bool:
        """Whether the results are older than 30 days."""
        return bool(self.date) and today - dt.date.fromisoformat(self.date) > FRESH


@cache
def gradings() -> dict[str, Grading]:
    """All gradings, as the package ships them."""
    file = resources.files("rayingest.connectors") / "grades.json"
    if not file.is_file():
        return {}
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Grading])


def grade_of(connector: str) -> str:
    """The grade of a connector, or of the one that it is a variant of; what was never tested is `declared`."""
    found = gradings().get(connector) or gradings().get(connector.rpartition("-")[0])
    return found.grade if found else "declared"
