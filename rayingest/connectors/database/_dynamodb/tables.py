"""What DynamoDB says of a table, with a sample of its items: pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rayingest.connectors.database._dynamodb.items import Value, columns, key
from rayingest.kit.sql.keys import Keys
from rayingest.model import Column, Table, TableConstraint

PARTITION, SORT = "HASH", "RANGE"
WORDS = {PARTITION: "DIST_KEY", SORT: "SORT_KEY"}


def table(
    raw: Mapping[str, Any], items: Iterable[Mapping[str, Value]], identity: str, scope: str
) -> Table:
    """A table: its keys first, then the keys of its indexes, then what items have beside these."""
    declared = {each["AttributeName"]: each["AttributeType"] for each in _declared(raw)}
    primary = [each["AttributeName"] for each in _ordered(raw.get("KeySchema") or ())]
    keys = Keys.of(primary)
    named = [*primary, *(each for each in _of_indexes(raw) if each not in primary)]
    found = [
        key(each, declared[each], keys.constraint(each, required=each in primary))
        for each in dict.fromkeys(named)
        if each in declared
    ]
    found += [each for name, each in columns(items).items() if name not in named]
    return Table(
        name=raw["TableName"],
        fqn=identity,
        database_schema=scope,
        columns=tuple(_numbered(found)),
        constraints=(*keys.of_table, *_placing(raw)),
    )


def _declared(raw: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    return raw.get("AttributeDefinitions") or ()


def _ordered(schema: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The partition key before the sort key."""
    return sorted(schema, key=lambda each: each["KeyType"] != PARTITION)


def _of_indexes(raw: Mapping[str, Any]) -> Iterator[str]:
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        for index in raw.get(kind) or ():
            yield from (each["AttributeName"] for each in _ordered(index.get("KeySchema") or ()))


def _placing(raw: Mapping[str, Any]) -> Iterator[TableConstraint]:
    """By which attribute items are spread, and by which they are sorted."""
    for each in _ordered(raw.get("KeySchema") or ()):
        word = WORDS[each["KeyType"]]
        yield TableConstraint(constraint_type=word, columns=(each["AttributeName"],))


def _numbered(given: Iterable[Column]) -> Iterator[Column]:
    from msgspec.structs import replace

    for place, each in enumerate(given, 1):
        yield replace(each, ordinal_position=place)
