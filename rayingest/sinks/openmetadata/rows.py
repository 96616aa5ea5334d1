"""Turn entities and facts into rows: references that must wait, secrets that must not be seen."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from rayingest.core import fqn
from rayingest.core.sink import Row
from rayingest.errors import Refused
from rayingest.model import DatabaseService, Entity, Fact, Table
from rayingest.sinks import columns, spelling, wire
from rayingest.sinks.openmetadata.settings import MASK, Service, reveal

LINEAGE = "lineage"
_TABLE_PARTS = 4


class SecretRow(Row, frozen=True, gc=False):
    """A row whose body holds secrets: it is sent and nothing else; `public` may be shown."""

    public: bytes = b""

    def __repr__(self) -> str:
        return f"SecretRow(type={self.type!r}, fqn={self.fqn!r}, hash={self.hash!r})"


class Edge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The body of a lineage row: both ends, and what is sent about the edge."""

    from_type: str
    from_fqn: str
    to_type: str
    to_fqn: str
    details: dict[str, Any] = {}


def row(entity: Entity, owners: spelling.Owners, service: Service) -> Row:
    """Spell an entity. Raises Refused."""
    request = spelling.create(entity, owners)
    if isinstance(request, wire.CreateService) and isinstance(entity, DatabaseService):
        return _service_row(entity, request, service)
    body = spelling.encode(request, entity.fqn)
    hashed = spelling.digest(body)
    full = spelling.stamp(body, hashed)
    if isinstance(entity, Table) and isinstance(request, wire.CreateTable):
        needs = tuple(dict.fromkeys(_targets(entity)))
        if needs:
            partial = _partial(request, entity.fqn)
            return Row("table", entity.fqn, full, hashed, partial=partial, needs=needs)
    return Row(entity.type.value, entity.fqn, full, hashed)


def fact_row(fact: Fact) -> Row:
    """Spell a fact: lineage `payload` has fromType, fromFqn and details. Raises Refused."""
    if fact.kind != LINEAGE:
        raise Refused(f"{fact.kind} of {fact.target_fqn!r}: metadata-rest has no place for it yet")
    try:
        edge = Edge(
            from_type=fact.payload.get("fromType", fact.target_type.value),
            from_fqn=fact.payload["fromFqn"],
            to_type=fact.target_type.value,
            to_fqn=fact.target_fqn,
            details=fact.payload.get("details") or {},
        )
    except KeyError as error:
        raise Refused(f"lineage to {fact.target_fqn!r} lacks {error}") from error
    body = spelling.encode(edge, f"lineage to {fact.target_fqn!r}")
    needs = tuple(dict.fromkeys((edge.from_fqn, edge.to_fqn)))
    name = f"{edge.from_fqn} -> {edge.to_fqn}"
    return Row(LINEAGE, name, body, spelling.digest(body), needs=needs)


def without(given: Row, missing: Sequence[str]) -> Row:
    """Drop the references to entities that exist nowhere. Raises Refused where nothing is left."""
    gone = set(missing)
    if given.type == LINEAGE:
        raise Refused(f"lineage {given.fqn}: not in the catalogue: {', '.join(sorted(gone))}")
    if not gone.intersection(given.needs):
        return given
    request = msgspec.json.decode(given.body, type=wire.CreateTable)
    kept = tuple(
        each
        for each in request.table_constraints
        if not gone.intersection(map(table_of, each.referred_columns))
    )
    request = msgspec.structs.replace(request, table_constraints=kept, source_hash=None)
    body = spelling.encode(request, given.fqn)
    hashed = spelling.digest(body)
    needs = tuple(need for need in given.needs if need not in gone)
    return msgspec.structs.replace(
        given,
        body=spelling.stamp(body, hashed),
        hash=hashed,
        needs=needs,
        partial=given.partial if needs else None,
    )


def table_of(column: str) -> str:
    """The FQN of a column's table; columns inside of columns make it longer."""
    return fqn.join(*fqn.split(column)[:_TABLE_PARTS])


def tags_of(entity: Entity) -> tuple[Any, ...]:
    """Every tag that an entity and its columns wear."""
    if isinstance(entity, Table):
        return (*entity.tags, *columns.tags_of(entity.columns))
    return entity.tags


def _targets(table: Table) -> list[str]:
    # A table that refers to itself needs itself: servers look the target up before they store it.
    return [
        each.referred_table or table_of(each.referred_columns[0])
        for each in table.constraints
        if each.referred_columns
    ]


def _partial(request: wire.CreateTable, name: str) -> bytes:
    kept = tuple(each for each in request.table_constraints if not each.referred_columns)
    body = spelling.encode(msgspec.structs.replace(request, table_constraints=kept), name)
    return spelling.stamp(body, spelling.digest(body, b"/partial"))


def _service_row(entity: DatabaseService, request: wire.CreateService, service: Service) -> Row:
    if service.connection is None:
        body = spelling.encode(request, entity.fqn)
        return Row(entity.type.value, entity.fqn, body, spelling.digest(body))
    body = _with_connection(request, service, None)
    # Slow on purpose: the hash is kept, and must not help to guess the password.
    hashed = hashlib.scrypt(body, salt=entity.fqn.encode(), n=2**13, r=8, p=1, dklen=16).hex()
    public = _with_connection(request, service, MASK)
    return SecretRow(entity.type.value, entity.fqn, body, hashed, public=public)


def _with_connection(request: wire.CreateService, service: Service, mask: str | None) -> bytes:
    config = {"type": request.service_type, **reveal(service.connection, mask)}
    try:
        connection = msgspec.json.encode({"config": config}, enc_hook=str)
    except (TypeError, UnicodeEncodeError) as error:
        raise Refused(
            f"the connection of {request.name!r} cannot be written as JSON: {type(error).__name__}"
        ) from None
    with_it = msgspec.structs.replace(request, connection=msgspec.Raw(connection))
    return spelling.encode(with_it, request.name)
