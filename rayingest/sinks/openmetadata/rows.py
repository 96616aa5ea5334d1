"""Turn entities and facts into rows: references that must wait, secrets that must not be seen."""

import hashlib
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from rayingest.core import fqn
from rayingest.core.sink import Row, identity
from rayingest.errors import Refused
from rayingest.model import USAGE, DashboardDataModel, Entity, EntityType, Fact, Table, Tag
from rayingest.sinks import columns, spelling, wire
from rayingest.sinks.openmetadata.settings import MASK, Service, reveal

LINEAGE = "lineage"
ARROW = " -> "  # between the FQNs of its ends in the name of an edge
TABLE, DASHBOARD = EntityType.TABLE.value, EntityType.DASHBOARD.value
CHART, DATA_MODEL = EntityType.CHART.value, EntityType.DASHBOARD_DATA_MODEL.value
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


class Uses(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a usage row: whose, and what is sent."""

    type: str
    fqn: str
    date: str
    count: int


def row(entity: Entity, request: wire.Create, service: Service) -> Row:
    """The row of an entity and its create request. Raises Refused."""
    if isinstance(request, wire.CreateDashboard) and (request.charts or request.data_models):
        return _dashboard_row(entity, request)
    constraints = request.table_constraints if isinstance(request, wire.CreateTable) else ()
    if constraints and any(each.referred_columns for each in constraints):
        return _table_row(cast("Table", entity), cast("wire.CreateTable", request))
    if isinstance(request, wire.CreateService):
        return _service_row(entity, request, service)
    body = spelling.encode(request, entity.fqn)
    hashed = spelling.digest(body)
    return Row(entity.type.value, entity.fqn, spelling.stamp(body, hashed), hashed)


def fact_row(fact: Fact) -> Row:
    """Spell a fact: an edge, or the uses of a day. Raises Refused."""
    if fact.kind == LINEAGE:
        return _edge_row(fact)
    if fact.kind == USAGE:
        return _uses_row(fact)
    raise Refused(f"{fact.kind} of {fact.target_fqn!r}: metadata-rest has no place for it yet")


def _uses_row(fact: Fact) -> Row:
    """`payload` has date and count."""
    try:
        uses = Uses(
            type=fact.target_type.value,
            fqn=fact.target_fqn,
            date=fact.payload["date"],
            count=fact.payload["count"],
        )
    except KeyError as error:
        raise Refused(f"usage of {fact.target_fqn!r} lacks {error}") from error
    body = spelling.encode(uses, f"usage of {fact.target_fqn!r}")
    name = f"{uses.type} {uses.fqn} on {uses.date}"
    return Row(USAGE, name, body, spelling.digest(body))


def _edge_row(fact: Fact) -> Row:
    """`payload` has fromType, fromFqn and details."""
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
    ends = (identity(edge.from_type, edge.from_fqn), identity(edge.to_type, edge.to_fqn))
    needs = tuple(dict.fromkeys(ends))
    name = f"{edge.from_fqn}{ARROW}{edge.to_fqn}"
    return Row(LINEAGE, name, body, spelling.digest(body), needs=needs)


def without(given: Row, missing: Sequence[str]) -> Row:
    """Drop the references to entities that exist nowhere. Raises Refused where nothing is left."""
    gone = set(missing)
    if given.type == LINEAGE:
        raise Refused(f"lineage {given.fqn}: not in the catalogue: {', '.join(sorted(gone))}")
    if not gone.intersection(given.needs):
        return given
    body = (
        _dashboard_without(given, gone) if given.type == DASHBOARD else _table_without(given, gone)
    )
    hashed = spelling.digest(body)
    needs = tuple(need for need in given.needs if need not in gone)
    return msgspec.structs.replace(
        given,
        body=spelling.stamp(body, hashed),
        hash=hashed,
        needs=needs,
        partial=given.partial if needs else None,
    )


def _table_without(given: Row, gone: set[str]) -> bytes:
    request = msgspec.json.decode(given.body, type=wire.CreateTable)
    kept = tuple(
        each
        for each in request.table_constraints
        if gone.isdisjoint(identity(TABLE, table_of(name)) for name in each.referred_columns)
    )
    request = msgspec.structs.replace(request, table_constraints=kept, source_hash=None)
    return spelling.encode(request, given.fqn)


def _dashboard_without(given: Row, gone: set[str]) -> bytes:
    request = msgspec.json.decode(given.body, type=wire.CreateDashboard)
    request = msgspec.structs.replace(
        request,
        charts=tuple(each for each in request.charts if identity(CHART, each) not in gone),
        data_models=tuple(
            each for each in request.data_models if identity(DATA_MODEL, each) not in gone
        ),
        source_hash=None,
    )
    return spelling.encode(request, given.fqn)


def table_of(column: str) -> str:
    """The FQN of a column's table; columns inside of columns make it longer."""
    return fqn.join(*fqn.split(column)[:_TABLE_PARTS])


def tags_of(entity: Entity, request: wire.Create) -> tuple[Tag, ...]:
    """Every tag that an entity and its columns wear."""
    if not (
        isinstance(entity, Table | DashboardDataModel)
        and isinstance(request, wire.CreateTable | wire.CreateDataModel)
    ):
        return entity.tags
    if cast("object", request.columns) is entity.columns:
        return entity.tags  # columns that wear tags would have been spelled anew
    return (*entity.tags, *columns.tags_of(entity.columns))


def _table_row(table: Table, request: wire.CreateTable) -> Row:
    """A table with foreign keys: with them, and without, from one encoding of its columns."""
    given = request.table_constraints
    body = spelling.encode(msgspec.structs.replace(request, table_constraints=()), table.fqn)
    full = _constrained(body, given, table.fqn)
    partial = _constrained(
        body, tuple(each for each in given if not each.referred_columns), table.fqn
    )
    # A table that refers to itself needs itself: servers look the target up before they store it.
    targets = (
        each.referred_table or table_of(each.referred_columns[0])
        for each in table.constraints
        if each.referred_columns
    )
    return _in_two_parts(table, partial, full, [identity(TABLE, each) for each in targets])


def _dashboard_row(dashboard: Entity, request: wire.CreateDashboard) -> Row:
    """A dashboard with what it refers to, and without: a refused chart must not cost it."""
    body = spelling.encode(
        msgspec.structs.replace(request, charts=(), data_models=()), dashboard.fqn
    )
    full = body
    for key, names in (("charts", request.charts), ("dataModels", request.data_models)):
        if names:
            full = b'%b,"%b":%b}' % (full[:-1], key.encode(), spelling.encode(names, dashboard.fqn))
    needs = [identity(CHART, each) for each in request.charts]
    needs += [identity(DATA_MODEL, each) for each in request.data_models]
    return _in_two_parts(dashboard, body, full, needs)


def _in_two_parts(entity: Entity, partial: bytes, full: bytes, needs: Sequence[str]) -> Row:
    hashed = spelling.digest(full)
    return Row(
        entity.type.value,
        entity.fqn,
        spelling.stamp(full, hashed),
        hashed,
        partial=spelling.stamp(partial, spelling.digest(partial, b"/partial")),
        needs=tuple(dict.fromkeys(needs)),
    )


def _constrained(body: bytes, constraints: tuple[wire.Constraint, ...], name: str) -> bytes:
    if not constraints:
        return body
    return b'%b,"tableConstraints":%b}' % (body[:-1], spelling.encode(constraints, name))


def _service_row(entity: Entity, request: wire.CreateService, service: Service) -> Row:
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
