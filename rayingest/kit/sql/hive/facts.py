"""HiveServer2 and Impala as `Facts` values; databases and schemas are described here."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rayingest.core.source import Batching, Capability, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone, RayingestError
from rayingest.kit.sql.containers import commented, named
from rayingest.kit.sql.facts import Facts, Wants
from rayingest.kit.sql.hive import listing
from rayingest.kit.sql.hive.address import HIVESERVER2, IMPALAD
from rayingest.kit.sql.hive.check import check
from rayingest.kit.sql.hive.connect import connect
from rayingest.kit.sql.hive.errors import Said, classify
from rayingest.kit.sql.hive.session import HiveSession, Row, quoted
from rayingest.kit.sql.hive.tables import tables
from rayingest.kit.sql.spec import RELATIONS
from rayingest.model import EntityType

# Where each table is a statement, a chunk of few is work enough; it grows where many are one.
BATCHING = dict.fromkeys(RELATIONS[1:], Batching(min=10, max=500))
CAPABILITIES = frozenset(
    {
        Capability.DATABASES,
        Capability.SCHEMAS,
        Capability.TABLES,
        Capability.COLUMNS,
        Capability.KEYS,
        Capability.COMMENTS,
        Capability.VIEWS,
        Capability.PARTITIONS,
        Capability.OWNERS,
        Capability.DDL,
    }
)
LACKS = {
    Capability.PROCEDURES: "functions are names of Java classes; they are not read",
    Capability.TAGS: "it has no tags; those of Ranger and Atlas are not read",
}


def schemas(
    session: HiveSession, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer descriptors of schemas by their comments; each is a statement."""
    comments: dict[str, str | None] = {}
    denied: dict[str, RayingestError] = {}
    for each in descriptors:
        name = each.metadata["name"]
        try:
            rows = session.rows(f"DESCRIBE DATABASE EXTENDED {quoted(name)}", name)
        except Said as error:
            known = classify(error)
            if isinstance(known, Denied):
                denied[name] = known
            elif not isinstance(known, Gone):
                raise
        else:
            comments[name] = _comment(rows)
    yield from (Failed(e, denied[e.metadata["name"]]) for e in descriptors if _in(e, denied))
    rest = [each for each in descriptors if not _in(each, denied)]
    yield from commented(rest, comments, quoted)


def _in(descriptor: EntityDescriptor, names: dict[str, RayingestError]) -> bool:
    return descriptor.metadata["name"] in names


def _comment(rows: Sequence[Row]) -> Any:
    """Spark has rows of a word and a value; Hive has name, comment, location, …; Impala name, location, comment."""
    if not rows:
        return None
    first: Row = rows[0]
    if len(first) == 2:
        facts: dict[str, str] = {str(word).strip(): value for word, value in rows}
        return facts.get("Comment") or facts.get("Description")
    return first[2 if len(first) == 3 else 1] or None


HIVE = Facts(
    connect=partial(connect, HIVESERVER2),
    databases=listing.databases,
    listing=listing.listing,
    members=listing.members,
    describe={
        EntityType.DATABASE: named,
        EntityType.DATABASE_SCHEMA: schemas,
        EntityType.TABLE: tables,
    },
    classify=classify,
    check=partial(check, HIVESERVER2),
)
IMPALA = replace(HIVE, connect=partial(connect, IMPALAD), check=partial(check, IMPALAD))
