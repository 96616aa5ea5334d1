"""`rayingest check` for Trino and Presto: which catalogs answer, and what the user may read there."""

from collections.abc import Iterator
from contextlib import suppress

from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import SourceError
from rayingest.kit.sql.encryption import encryption
from rayingest.kit.sql.facts import Found, Wants
from rayingest.kit.sql.trial import refusal
from rayingest.kit.sql.trino.connect import Address
from rayingest.kit.sql.trino.ddl import SHOW
from rayingest.kit.sql.trino.listing import VIEW, databases, listing, members
from rayingest.kit.sql.trino.session import TrinoSession, turn
from rayingest.kit.sql.trino.tables import COLUMNS
from rayingest.kit.sql.trino.text import among, quoted

MENDS = (
    "Set connectionArguments.http_scheme: https.",
    "Set verify to a file with the authority.",
)
MOST = 20  # catalogs that are tried


def check(session: TrinoSession, settings: Settings) -> Iterator[CheckResult]:
    """Connect, look into each catalog, then read one table as a run would."""
    kind = settings.connection.type
    version = "an unknown version"
    with suppress(SourceError):  # what stands before a cluster may keep this to itself
        version = session.statements.info().node_version.get("version", version)
    yield CheckResult("connect", "ok", f"{kind} {version}, user {session.user}")
    address = Address.of(settings.connection)
    yield from encryption(
        address.host,
        encrypted=address.tls,
        verified=address.verify is not False,
        mends=MENDS,
        what="metadata",
    )
    schemas: list[tuple[str, str]] = []
    for each in list(databases(session, settings))[:MOST]:
        turn(session, each.name)
        try:
            rows = list(listing(session, Wants()))
        except SourceError as error:
            yield refusal(Capability.DATABASES, error, f"catalog {each.name}: ")
        else:
            schemas += [(each.name, row.name) for row in rows]
    yield _seen(Capability.SCHEMAS, len(schemas), "schemas")
    yield from _read(session, schemas)
    yield _comments(session)


def _read(session: TrinoSession, schemas: list[tuple[str, str]]) -> Iterator[CheckResult]:
    """One table, of the first schema that has any."""
    found: list[Found] = []
    for catalog, schema in schemas[:MOST]:
        turn(session, catalog)
        try:
            found = list(members(session, Wants(), schema))
        except SourceError as error:
            yield refusal(Capability.TABLES, error, f"schema {quoted(catalog, schema)}: ")
            continue
        if found:
            break
    yield _seen(Capability.TABLES, len(found), "tables and views in the first schema")
    if not found:
        return
    key = found[0].schema, found[0].name
    yield from _tried(session, Capability.COLUMNS, _columns(session, key))
    table = next((each for each in found if each.kind != VIEW), None)
    if table is not None:
        name = quoted(session.database, table.schema, table.name)
        yield from _tried(session, Capability.DDL, SHOW.format(table=name))


def _columns(session: TrinoSession, key: tuple[str, str]) -> str:
    return COLUMNS.format(catalog=quoted(session.database), among=among([key]))


def _tried(session: TrinoSession, capability: Capability, statement: str) -> Iterator[CheckResult]:
    try:
        rows = session.rows(statement)
    except SourceError as error:
        yield refusal(capability, error)
    else:
        yield _seen(capability, len(rows), "rows")


def _comments(session: TrinoSession) -> CheckResult:
    if session.blind is not None:
        return refusal(Capability.COMMENTS, session.blind, "system.metadata: ")
    if "table_comments" not in session.metadata:
        why = (
            "there is no system.metadata.table_comments: comments on tables are read with DDL alone"
        )
        return CheckResult(Capability.COMMENTS, "warning", why, "Set includeDDL.")
    return CheckResult(Capability.COMMENTS, "ok")


def _seen(capability: str, number: int, what: str) -> CheckResult:
    if number:
        return CheckResult(capability, "ok", f"{number} {what}")
    hint = "What is hidden from a user is not listed."
    return CheckResult(capability, "warning", f"no {what} to be seen", hint)
