"""The tables of the SQLite catalogue, and the records that an entity becomes in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rayingest.core import fqn
from rayingest.sinks import wire

DATABASES = """
CREATE TABLE services (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, service_type TEXT NOT NULL);
CREATE TABLE databases (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, service_fqn TEXT NOT NULL);
CREATE TABLE schemas (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, database_fqn TEXT NOT NULL);
CREATE TABLE tables (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, schema_fqn TEXT NOT NULL, table_type TEXT NOT NULL, definition TEXT,
  location TEXT);
CREATE TABLE procedures (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, schema_fqn TEXT NOT NULL, procedure_type TEXT NOT NULL, language TEXT,
  code TEXT NOT NULL);
CREATE TABLE columns (
  table_fqn TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
  ordinal INTEGER, data_type TEXT NOT NULL, data_type_display TEXT, array_data_type TEXT,
  length INTEGER, precision INTEGER, scale INTEGER, column_constraint TEXT, description TEXT,
  PRIMARY KEY (table_fqn, position)) WITHOUT ROWID;
CREATE TABLE constraints (
  table_fqn TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
  constraint_type TEXT NOT NULL, column_name TEXT NOT NULL,
  PRIMARY KEY (table_fqn, number, position)) WITHOUT ROWID;
CREATE TABLE foreign_keys (
  table_fqn TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
  column_name TEXT NOT NULL, referred_column_fqn TEXT, relationship_type TEXT,
  PRIMARY KEY (table_fqn, number, position)) WITHOUT ROWID;
CREATE TABLE partitions (
  table_fqn TEXT NOT NULL, position INTEGER NOT NULL, column_name TEXT NOT NULL,
  interval_type TEXT NOT NULL, interval TEXT,
  PRIMARY KEY (table_fqn, position)) WITHOUT ROWID;
CREATE TABLE owners (
  entity_type TEXT NOT NULL, entity_fqn TEXT NOT NULL, owner_type TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  PRIMARY KEY (entity_type, entity_fqn, owner_type, owner_name)) WITHOUT ROWID;
CREATE TABLE tags (
  entity_type TEXT NOT NULL, entity_fqn TEXT NOT NULL, column_path TEXT NOT NULL,
  tag_fqn TEXT NOT NULL,
  PRIMARY KEY (entity_type, entity_fqn, column_path, tag_fqn)) WITHOUT ROWID;
CREATE TABLE facts (
  fqn TEXT PRIMARY KEY, kind TEXT NOT NULL, target_type TEXT NOT NULL, target_fqn TEXT NOT NULL,
  key TEXT NOT NULL, payload TEXT NOT NULL, hash TEXT NOT NULL);
CREATE VIEW table_overview AS
  SELECT t.fqn, t.table_type, t.description,
    (SELECT count(*) FROM columns c WHERE c.table_fqn = t.fqn) AS columns,
    (SELECT count(DISTINCT number) FROM foreign_keys f WHERE f.table_fqn = t.fqn) AS foreign_keys
  FROM tables t;
"""
# The columns of data models are in `columns`, under their own FQN.
DASHBOARDS = """
CREATE TABLE dashboard_services (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, service_type TEXT NOT NULL);
CREATE TABLE dashboards (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, service_fqn TEXT NOT NULL, dashboard_type TEXT NOT NULL, project TEXT);
CREATE TABLE charts (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, service_fqn TEXT NOT NULL, chart_type TEXT NOT NULL);
CREATE TABLE data_models (
  fqn TEXT PRIMARY KEY, name TEXT NOT NULL, display_name TEXT, description TEXT, source_url TEXT,
  hash TEXT NOT NULL, service_fqn TEXT NOT NULL, data_model_type TEXT NOT NULL, project TEXT,
  sql TEXT);
CREATE TABLE dashboard_charts (
  dashboard_fqn TEXT NOT NULL, position INTEGER NOT NULL, chart_fqn TEXT NOT NULL,
  PRIMARY KEY (dashboard_fqn, position)) WITHOUT ROWID;
CREATE TABLE dashboard_data_models (
  dashboard_fqn TEXT NOT NULL, position INTEGER NOT NULL, data_model_fqn TEXT NOT NULL,
  PRIMARY KEY (dashboard_fqn, position)) WITHOUT ROWID;
"""
STEPS = (DATABASES, DASHBOARDS)  # a file of version n has had the first n
HOMES = {
    "databaseService": "services",
    "database": "databases",
    "databaseSchema": "schemas",
    "table": "tables",
    "storedProcedure": "procedures",
    "dashboardService": "dashboard_services",
    "dashboard": "dashboards",
    "chart": "charts",
    "dashboardDataModel": "data_models",
}
OF_ENTITY = ("owners", "tags")
# Type -> what else is kept of it, and under which column.
DETAILS = {
    "table": ("table_fqn", ("columns", "constraints", "foreign_keys", "partitions")),
    "dashboardDataModel": ("table_fqn", ("columns",)),
    "dashboard": ("dashboard_fqn", ("dashboard_charts", "dashboard_data_models")),
}
AMONG = "fqn IN (SELECT value FROM json_each(?))"
# All that begins with an FQN and a dot: a slash comes right after the dot.
BELOW = (
    "SELECT DISTINCT fqn FROM json_each(?) AS above JOIN {home}"
    " ON fqn > above.value || '.' AND fqn < above.value || '/'"
)
FACTS_ABOUT = (
    "DELETE FROM facts WHERE target_type = ? AND target_fqn IN (SELECT value FROM json_each(?))"
)
_FOREIGN = "FOREIGN_KEY"


@dataclass(slots=True)
class Records:
    """Rows per SQL table, ready for `executemany`."""

    by_table: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def add(self, table: str, *values: Any) -> None:
        """One record."""
        self.by_table.setdefault(table, []).append(values)


def records(entity_type: str, name: str, hashed: str, request: wire.Create, into: Records) -> None:
    """Spread one create request over the tables."""
    common = (
        name,
        fqn.decode(request.name),
        request.display_name,
        request.description,
        request.source_url,
        hashed,
    )
    for owner in request.owners:
        into.add("owners", entity_type, name, owner.type, owner.name)
    for tag in request.tags:
        into.add("tags", entity_type, name, "", tag.tag_fqn)
    match request:
        case wire.CreateTable():
            into.add(
                "tables",
                *common,
                request.database_schema,
                request.table_type,
                request.schema_definition,
                request.location_path,
            )
            _table(name, request, into)
        case wire.CreateSchema():
            into.add("schemas", *common, request.database)
        case wire.CreateDatabase():
            into.add("databases", *common, request.service)
        case wire.CreateService():
            into.add(HOMES[entity_type], *common, request.service_type)
        case wire.CreateProcedure():
            code = request.stored_procedure_code
            kind = request.stored_procedure_type
            schema = request.database_schema
            into.add("procedures", *common, schema, kind, code.language, code.code)
        case _:
            _dashboards(entity_type, common, request, into)


def _dashboards(entity_type: str, common: tuple[Any, ...], request: Any, into: Records) -> None:
    name = common[0]
    match request:
        case wire.CreateDashboard():
            kind, project = request.dashboard_type, request.project
            into.add("dashboards", *common, request.service, kind, project)
            for at, each in enumerate(request.charts, 1):
                into.add("dashboard_charts", name, at, each)
            for at, each in enumerate(request.data_models, 1):
                into.add("dashboard_data_models", name, at, each)
        case wire.CreateChart():
            into.add("charts", *common, request.service, request.chart_type)
        case wire.CreateDataModel():
            kind, project = request.data_model_type, request.project
            into.add("data_models", *common, request.service, kind, project, request.sql)
            _all_columns(entity_type, name, request.columns, into)
        case _:
            raise TypeError(f"no table for {type(request).__name__}")


def _table(name: str, request: wire.CreateTable, into: Records) -> None:
    _all_columns("table", name, request.columns, into)
    for number, each in enumerate(request.table_constraints, 1):
        for at, column_name in enumerate(each.columns):
            raw = fqn.decode(column_name)
            if each.constraint_type == _FOREIGN:
                referred = each.referred_columns[at] if at < len(each.referred_columns) else None
                relation = each.relationship_type
                into.add("foreign_keys", name, number, at + 1, raw, referred, relation)
            else:
                into.add("constraints", name, number, at + 1, each.constraint_type, raw)
    if request.table_partition is not None:
        for at, part in enumerate(request.table_partition.columns, 1):
            raw = fqn.decode(part.column_name)
            into.add("partitions", name, at, raw, part.interval_type, part.interval)


def _all_columns(
    entity_type: str, name: str, columns: tuple[wire.Column, ...], into: Records
) -> None:
    into.by_table.setdefault("columns", []).extend(_columns(name, columns))
    for column, path in _tagged(columns, ""):
        for tag in column.tags:
            into.add("tags", entity_type, name, path, tag.tag_fqn)


def _columns(name: str, columns: tuple[wire.Column, ...]) -> Iterator[tuple[Any, ...]]:
    for at, (column, path) in enumerate(_flat(columns, ""), 1):
        yield (
            name,
            at,
            column.display_name or column.name,
            path,
            column.ordinal_position,
            column.data_type,
            column.data_type_display,
            column.array_data_type,
            column.data_length,
            column.precision,
            column.scale,
            column.constraint,
            column.description,
        )


def _flat(columns: tuple[wire.Column, ...], above: str) -> Iterator[tuple[wire.Column, str]]:
    """Columns and the columns inside of them, with their paths as in an FQN."""
    for column in columns:
        path = above + fqn.quote(column.name)
        yield column, path
        if column.children:
            yield from _flat(column.children, f"{path}.")


def _tagged(columns: tuple[wire.Column, ...], above: str) -> Iterator[tuple[wire.Column, str]]:
    if any(column.tags or column.children for column in columns):
        yield from _flat(columns, above)
