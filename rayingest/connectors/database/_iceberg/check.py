"""`rayingest check` for Iceberg: namespaces, the tables of the first that has some, and one's metadata."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import RayingestError
from rayingest.kit.sql.trial import refusal

NONE = "There is no namespace in the catalogue {!r}."
WHERE = "Check catalog.name and catalog.warehouseLocation, and what the account may list."
EMPTY = "None of the first namespaces has a table."
FIRST = 10


def check(session: Any, settings: Settings) -> Iterator[CheckResult]:
    """What a run would do, once."""
    yield CheckResult("connect", "ok", f"{session.kind} catalogue {session.catalog.name!r}")
    step = Capability.SCHEMAS
    try:
        names = list(islice(session.namespaces(), FIRST))
        if not names:
            yield CheckResult(step, "warning", NONE.format(session.catalog.name), WHERE)
            return
        yield CheckResult(step, "ok")
        step = Capability.TABLES
        found = ((*each, name) for each in names for name in session.tables(each))
        if (first := next(found, None)) is None:
            yield CheckResult(step, "warning", EMPTY)
            return
        yield CheckResult(step, "ok")
        step = Capability.COLUMNS
        session.table(first)
        yield CheckResult(step, "ok", f"the metadata of {'.'.join(first)} can be read")
    except RayingestError as error:
        yield refusal(step, error)
