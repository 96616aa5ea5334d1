"""What there is in MongoDB: its databases are schemas of one database, listed side by side.

https://www.mongodb.com/docs/manual/reference/command/listDatabases/
https://www.mongodb.com/docs/manual/reference/command/listCollections/
"""

from collections.abc import Iterator, Sequence

from rayingest.connectors.database._mongodb.session import Session
from rayingest.core.source import Settings
from rayingest.errors import Denied, Unreachable
from rayingest.kit.sql import containers
from rayingest.kit.sql.facts import Found, Wants
from rayingest.model import EntityType

HIDDEN = {"admin", "config", "local"}
SYSTEM = "system."  # profiles, views, the buckets of time series


def databases(session: Session, settings: Settings) -> Iterator[Found]:
    """Name the only database; a `databaseSchema` that is not there ends the run."""
    if session.only is not None and not list(names(session)):
        raise Unreachable(
            f"MongoDB has no database {session.only!r}, or none that the user may see.",
            hint="`show databases` in mongosh lists them; databaseSchema must be one, or absent.",
        )

    yield containers.database(session.database)


def listing(session: Session, wants: Wants) -> Iterator[Found]:
    """MongoDB's databases; without a privilege on one, it is left out by the server."""
    yield from map(containers.schema, names(session))


def members(session: Session, wants: Wants, schema: str) -> Iterator[Found]:
    """Collections and views of one; who may not list all of them is refused, and gets no shorter list."""
    kinds = [
        *(("collection", "timeseries") if wants.tables else ()),
        *(("view",) if wants.views else ()),
    ]
    if not kinds:
        return
    command = {"listCollections": 1, "nameOnly": True, "filter": {"type": {"$in": kinds}}}
    for each in session.listed(schema, command):
        if not each["name"].startswith(SYSTEM):
            yield Found(EntityType.TABLE, schema, each["name"])


def names(session: Session, **more: object) -> Sequence[str]:
    """MongoDB's databases without its own, or the only one that is wanted; `more` is for listDatabases."""
    given = {} if session.only is None else {"filter": {"name": session.only}}
    try:
        answer = session.ask("admin", {"listDatabases": 1, "nameOnly": True, **given, **more})
    except Denied:
        if session.only is None:
            raise
        return [session.only]  # nobody needs to list them who names one
    found = [each["name"] for each in answer["databases"]]
    return found if session.only is not None else [each for each in found if each not in HIDDEN]
