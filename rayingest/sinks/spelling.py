"""Spell an entity as OpenMetadata's create request, with its hash: the same bytes for every sink.

The hash is over the bytes as they are sent, and spliced into them: nothing is encoded twice.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from rayingest.core import fqn
from rayingest.core.sink import Row
from rayingest.errors import Refused
from rayingest.model import (
    Chart,
    Dashboard,
    DashboardDataModel,
    DashboardService,
    Database,
    DatabaseSchema,
    DatabaseService,
    Entity,
    Fact,
    Owner,
    Service,
    StoredProcedure,
    Table,
    TableConstraint,
)
from rayingest.sinks import columns, wire

MAPPING = b"rayingest.mapping/2"
MAX_NAME = 256
MAX_FQN = 3072
_LANGUAGES = {
    "sql": "SQL", "plpgsql": "SQL", "plsql": "SQL", "tsql": "SQL", "sqlscript": "SQL",
    "java": "Java", "pljava": "Java", "javascript": "JavaScript", "plv8": "JavaScript",
    "python": "Python", "plpythonu": "Python", "plpython3u": "Python",
}  # fmt: skip
_PROCEDURES = {"StoredProcedure", "UDF", "StoredPackage", "Function"}
_DASHBOARDS = {"Dashboard", "Report"}
_CHARTS = {
    "Line", "Table", "Bar", "Area", "Pie", "Histogram", "Scatter", "Text", "BoxPlot", "SanKey",
    "Gauge", "Map", "Graph", "Heatmap", "Timeline", "Other",
}  # fmt: skip
_encoder = msgspec.json.Encoder()

Owners = Callable[[Sequence[Owner]], tuple[wire.Reference, ...]]


def by_name(owners: Sequence[Owner]) -> tuple[wire.Reference, ...]:
    """References to owners for sinks that have no catalogue to look up ids in."""
    return tuple(wire.Reference(type=owner.type, name=owner.name) for owner in owners)


def create(entity: Entity, owners: Owners = by_name) -> wire.Create:
    """The create request of an entity. Raises Refused for what OpenMetadata cannot name or hold."""
    name = fqn.encode(entity.name)
    if len(name) > MAX_NAME or len(entity.fqn) > MAX_FQN:
        raise Refused(
            f"{entity.type.value} {entity.fqn[:100]!r}…: a name of {len(name)} characters"
            f" (FQN: {len(entity.fqn)})",
            hint=f"OpenMetadata takes names up to {MAX_NAME} characters and FQNs up to {MAX_FQN}.",
        )
    common: dict[str, Any] = {
        "name": name,
        "display_name": entity.display_name or (entity.name if name != entity.name else None),
        "description": entity.description,
        "owners": owners(entity.owners) if entity.owners else (),
        "tags": tuple(columns.label(tag) for tag in entity.tags),
        "source_url": entity.source_url,
    }
    spell = _SPELLINGS.get(type(entity))
    if spell is None:
        raise Refused(f"{entity.type.value} {entity.fqn!r}: there is no spelling for this type yet")
    return spell(entity, common)


def _service(service: Service, common: dict[str, Any]) -> wire.CreateService:
    return wire.CreateService(**common, service_type=service.service_type)


def _database(database: Database, common: dict[str, Any]) -> wire.CreateDatabase:
    return wire.CreateDatabase(**common, service=database.service)


def _schema(schema: DatabaseSchema, common: dict[str, Any]) -> wire.CreateSchema:
    return wire.CreateSchema(**common, database=schema.database)


def _table(table: Table, common: dict[str, Any]) -> wire.CreateTable:
    partition = tuple(
        wire.PartitionColumn(
            column_name=fqn.encode(each.column_name),
            interval_type=each.interval_type,
            interval=each.interval,
        )
        for each in table.partition
    )
    return wire.CreateTable(
        **common,
        database_schema=table.database_schema,
        table_type=table.table_type,
        columns=columns.sized(columns.spell(table.columns)),
        table_constraints=tuple(_constraint(each) for each in table.constraints),
        table_partition=wire.Partition(columns=partition) if partition else None,
        schema_definition=table.schema_definition,
        location_path=table.location_path,
    )


def _constraint(given: TableConstraint) -> wire.Constraint:
    return wire.Constraint(
        constraint_type=given.constraint_type,
        columns=tuple(fqn.encode(name) for name in given.columns),
        referred_columns=given.referred_columns,
        relationship_type=given.relationship_type,
    )


def _procedure(procedure: StoredProcedure, common: dict[str, Any]) -> wire.CreateProcedure:
    language = procedure.language
    if language is not None:
        plain = language.lower().replace("/", "").replace("-", "")
        language = _LANGUAGES.get(plain, "External")
    kind = procedure.procedure_type
    return wire.CreateProcedure(
        **common,
        database_schema=procedure.database_schema,
        stored_procedure_code=wire.Code(language=language, code=procedure.code),
        stored_procedure_type=kind if kind in _PROCEDURES else "StoredProcedure",
    )


def _dashboard(dashboard: Dashboard, common: dict[str, Any]) -> wire.CreateDashboard:
    kind = dashboard.dashboard_type
    return wire.CreateDashboard(
        **common,
        service=dashboard.service,
        dashboard_type=kind if kind in _DASHBOARDS else "Dashboard",
        project=dashboard.project,
        charts=dashboard.charts,
        data_models=dashboard.data_models,
    )


def _chart(chart: Chart, common: dict[str, Any]) -> wire.CreateChart:
    kind = chart.chart_type
    return wire.CreateChart(
        **common, service=chart.service, chart_type=kind if kind in _CHARTS else "Other"
    )


def _data_model(model: DashboardDataModel, common: dict[str, Any]) -> wire.CreateDataModel:
    return wire.CreateDataModel(
        **common,
        service=model.service,
        service_type=model.service_type,
        data_model_type=model.data_model_type,
        project=model.project,
        sql=model.sql,
        columns=columns.spell(model.columns),
    )


_SPELLINGS: dict[type[Entity], Callable[[Any, dict[str, Any]], wire.Create]] = {
    DatabaseService: _service,
    Database: _database,
    DatabaseSchema: _schema,
    Table: _table,
    StoredProcedure: _procedure,
    DashboardService: _service,
    Dashboard: _dashboard,
    Chart: _chart,
    DashboardDataModel: _data_model,
}


def encode(request: Any, what: str) -> bytes:
    """JSON bytes. Raises Refused for text that is no Unicode."""
    try:
        return _encoder.encode(request)
    except (UnicodeEncodeError, TypeError) as error:
        # "from None": the exception holds the whole text.
        raise Refused(f"{what}: cannot be written as JSON: {type(error).__name__}") from None


def digest(body: bytes, stage: bytes = b"") -> str:
    """The content hash: 32 hex digits of SHA-256 over the mapping's version and the body."""
    return hashlib.sha256(MAPPING + stage + body).hexdigest()[:32]


def stamp(body: bytes, hashed: str) -> bytes:
    """Splice the hash into an encoded request."""
    return b'%b,"sourceHash":"%b"}' % (body[:-1], hashed.encode())


def name_it(body: bytes, name: str) -> bytes:
    """Splice the FQN into an encoded request, as the sinks without a server keep it."""
    return b'%b,"fullyQualifiedName":%b}' % (body[:-1], _encoder.encode(name))


def local_row(entity: Entity) -> Row:
    """A row for sinks that keep what they are told: every reference at once, no secret, with its FQN."""
    what = f"{entity.type.value} {entity.fqn!r}"
    body = encode(create(entity), what)
    hashed = digest(body)
    if not isinstance(entity, Service):
        body = stamp(body, hashed)
    return Row(type=entity.type.value, fqn=entity.fqn, body=name_it(body, entity.fqn), hash=hashed)


def local_fact(fact: Fact) -> Row:
    """A fact as the sinks without a server keep it: its identity is target, kind and key."""
    body = encode(fact, f"{fact.kind} of {fact.target_fqn!r}")
    identity = f"{fact.kind}:{fact.target_type.value}:{fact.target_fqn}:{fact.key}"
    return Row(type=fact.kind, fqn=identity, body=name_it(body, identity), hash=digest(body))
