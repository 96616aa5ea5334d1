"""`rayingest check` for DynamoDB: the three actions that a run needs, tried on the first table."""

from collections.abc import Iterator
from typing import Any

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import SourceError
from rayingest.kit.sql.trial import refusal

EMPTY = "There is no table in this region."
REGION = "Check awsRegion: DynamoDB's tables are those of one region."


def check(session: Any, settings: Settings) -> Iterator[CheckResult]:
    """Connect, list, then describe and scan one table."""
    try:
        names = session.ask("ListTables", Limit=1)["TableNames"]
        yield CheckResult("connect", "ok", f"DynamoDB in {session.region}")
        if names:
            yield from _first(session, names[0])
        else:
            yield CheckResult(Capability.TABLES, "warning", EMPTY, REGION)
    except SourceError as error:
        yield refusal("connect", error)


def _first(session: Any, name: str) -> Iterator[CheckResult]:
    given: dict[str, Any] = {"TableName": name}
    tries = {Capability.TABLES: ("DescribeTable", given)}
    if session.sample:
        tries[Capability.COLUMNS] = ("Scan", {**given, "Limit": 1})
    for capability, (operation, arguments) in tries.items():
        try:
            session.ask(operation, **arguments)
        except SourceError as error:
            yield refusal(capability, error, f"table {name!r}: ")
        else:
            yield CheckResult(capability, "ok", f"{operation} of table {name!r}")
