"""`rayingest check` for Glue: what the account may read, and the action that mends the rest."""

from collections.abc import Iterator
from typing import Any

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import Denied, SourceError
from rayingest.kit.sql.trial import refusal

LISTED = "glue:GetDatabases and glue:GetTables, on the catalogue, databases and tables"
NONE = "There is no database: Glue shows those that IAM and Lake Formation let this account see."


def check(session: Any, settings: Settings) -> Iterator[CheckResult]:
    """Ask for the databases, and for the tables of each until one has some."""
    try:
        names = [raw["Name"] for raw in session.ask("GetDatabases", MaxResults=100)["DatabaseList"]]
    except SourceError as error:
        denied = isinstance(error, Denied)
        yield refusal(Capability.SCHEMAS if denied else "connect", error)
        return
    yield CheckResult("connect", "ok", f"Glue in {session.client.region}")
    if not names:
        yield CheckResult(Capability.SCHEMAS, "warning", NONE, LISTED)
        return
    yield CheckResult(Capability.SCHEMAS, "ok")
    yield from _tables(session, names)


def _tables(session: Any, names: list[str]) -> Iterator[CheckResult]:
    """One line for each of the first databases that may not be read; `ok` names the first that may."""
    for name in names[:10]:
        try:
            session.ask("GetTables", DatabaseName=name, MaxResults=1)
        except SourceError as error:
            yield refusal(Capability.TABLES, error, f"database {name!r}: ")
        else:
            yield CheckResult(Capability.TABLES, "ok", f"database {name!r} can be read")
            return
