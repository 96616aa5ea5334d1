"""`rayingest check` for MongoDB: the commands that a run needs, tried where the first data are."""

from collections.abc import Iterator, Sequence

from rayingest.connectors.database._mongodb.collections import options, sample
from rayingest.connectors.database._mongodb.errors import grant
from rayingest.connectors.database._mongodb.listing import SYSTEM, names
from rayingest.connectors.database._mongodb.options import encrypted
from rayingest.connectors.database._mongodb.session import Session
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import Denied, SourceError
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.trial import refusal

NOTHING = "no database is there, or none that the user may see"
EMPTY = "there is no collection in the databases that were looked into"
FEW = 20  # databases that are looked into


def check(session: Session, settings: Settings) -> Iterator[CheckResult]:
    """Connect, list databases and collections, then read one collection."""
    version = session.ask("admin", {"buildInfo": 1}).get("version", "of an unknown version")
    yield CheckResult("connect", "ok", f"MongoDB {version}")
    yield from _encryption(session, settings)
    found, result = _databases(session)
    yield result
    refused, first = 0, None
    for schema in found[:FEW]:
        try:
            collection = _collection(session, schema)
            first = first or collection
        except SourceError as error:
            refused += 1
            yield refusal(Capability.TABLES, error)
    if not refused:
        why = f"listCollections of {len(found[:FEW])} databases" if first else EMPTY
        yield CheckResult(Capability.TABLES, "ok" if first else "warning", why)
    if first is not None:
        yield _read(session, *first)


def _encryption(session: Session, settings: Settings) -> Iterator[CheckResult]:
    far = sorted(each for each in session.hosts if not is_local(each))
    if far and not encrypted(settings.connection):
        why = f"the connection to {far[0]} is not encrypted; data can be read on the way"
        yield CheckResult("encryption", "warning", why, "Set sslMode: verify-full, and sslConfig.")


def _databases(session: Session) -> tuple[Sequence[str], CheckResult]:
    """Names, and whether they are those of all databases."""
    try:
        found, hidden = names(session, authorizedDatabases=False), False
    except Denied:
        found, hidden = names(session), session.only is None
    if found and not hidden:
        return found, CheckResult(Capability.SCHEMAS, "ok", f"{len(found)} databases")
    why = f"{len(found)} databases; what others there are is hidden from the user"
    return found, CheckResult(
        Capability.SCHEMAS, "warning", why if found else NOTHING, grant("listDatabases", "")
    )


def _collection(session: Session, schema: str) -> tuple[str, str] | None:
    """The first collection of a database."""
    found = session.listed(schema, {"listCollections": 1, "nameOnly": True})
    plain = [each["name"] for each in found if not each["name"].startswith(SYSTEM)]
    return (schema, plain[0]) if plain else None


def _read(session: Session, schema: str, name: str) -> CheckResult:
    try:
        for each in options(session, schema, [name]).values():
            sample(session, schema, each)
    except SourceError as error:
        return refusal(Capability.COLUMNS, error)
    return CheckResult(Capability.COLUMNS, "ok", f"find in {schema}.{name}")
