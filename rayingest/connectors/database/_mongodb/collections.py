"""Describe collections and views: what they declare, a few of their documents, their indexes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rayingest.connectors.database._mongodb.session import Session
from rayingest.connectors.database._mongodb.tables import is_series, is_view, table
from rayingest.core.source import Described, EntityDescriptor, Failed, Processed
from rayingest.errors import Denied, Gone, Permanent
from rayingest.kit.sql.facts import Wants

Json = Mapping[str, Any]
OLDEST, NEWEST = 1, -1


def collections(
    session: Session, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """Answer a batch; what one is denied or has lost costs only itself."""
    schemas: dict[str, list[EntityDescriptor]] = defaultdict(list)
    for each in descriptors:
        schemas[each.metadata["schema"]].append(each)
    for schema, group in schemas.items():
        try:
            listed = options(session, schema, [each.metadata["name"] for each in group])
        except (Denied, Permanent) as error:
            yield from (Failed(each, error) for each in group)
            continue
        for each in group:
            yield _described(session, schema, each, listed.get(each.metadata["name"]))


def options(session: Session, schema: str, names: Sequence[str]) -> dict[str, Json]:
    """What one call tells of many collections."""
    command = {"listCollections": 1, "filter": {"name": {"$in": list(names)}}}
    return {each["name"]: each for each in session.listed(schema, command)}


def _described(
    session: Session, schema: str, descriptor: EntityDescriptor, listed: Json | None
) -> Processed:
    name = descriptor.metadata["name"]
    if listed is None:
        return Failed(descriptor, Gone(f"{schema}.{name} was dropped after it was listed."))
    try:
        documents = sample(session, schema, listed)
        indexes = () if is_view(listed) or is_series(listed) else _indexes(session, schema, name)
        entity = table(listed, indexes, documents, descriptor.id, descriptor.scope)
    except (Gone, Denied, Permanent) as error:
        return Failed(descriptor, error)
    return Described(descriptor, (entity,))


def sample(session: Session, schema: str, listed: Json) -> list[Json]:
    """The oldest and the newest documents, or the first of a view.

    Not `$sample`: a field that few documents have would come and go from run to run, and with it all that
    people wrote to it in the catalogue. By `_id`, whose index all servers of a cluster read alike.
    https://www.mongodb.com/docs/manual/reference/operator/aggregation/sample/
    """
    command = {"find": listed["name"], "singleBatch": True}
    if not session.sample:
        return []
    if is_view(listed) or is_series(listed):  # no index: to sort would be to read all
        return _first(session, schema, {**command, "limit": session.sample})
    few = (session.sample + 1) // 2
    found = _first(session, schema, {**command, "limit": few, "sort": {"_id": OLDEST}})
    if len(found) == few and few < session.sample:
        more = {**command, "limit": session.sample - few, "sort": {"_id": NEWEST}}
        found += _first(session, schema, more)
    return found


def _first(session: Session, schema: str, command: Json) -> list[Json]:
    """One answer, which the server ends at 16 MB however large documents are."""
    return list(session.ask(schema, command)["cursor"]["firstBatch"])


def _indexes(session: Session, schema: str, name: str) -> list[Json]:
    return list(session.listed(schema, {"listIndexes": name}))
