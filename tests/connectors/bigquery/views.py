"""INFORMATION_SCHEMA as Google documents it, for what bqemulator lacks: DuckDB answers, by sqlglot.

The statements are the connector's own. Each view has the documented columns and no others, so that
a column that is not there is an error. A dataset's view shows that dataset, a region's all of it.
https://cloud.google.com/bigquery/docs/information-schema-intro
"""

import re

import sqlglot
from sqlglot import exp

from rayingest.core.limits import UNLIMITED
from rayingest.core.source import Capability
from rayingest.errors import Denied
from rayingest.kit.sql.bigquery.session import BigQuerySession

COMPILED = {
    Capability.KEYS: "the emulator has no view of keys, and takes no statement with a key",
    Capability.COMMENTS: "the emulator has no COLUMN_FIELD_PATHS, where columns are described",
    Capability.PROCEDURES: "the emulator's ROUTINES.ddl leaves out the bodies",
    Capability.DDL: "the emulator's TABLES has no column ddl",
    Capability.INCREMENTAL: "the emulator has no __TABLES__",
}
TABLE = "table_catalog table_schema table_name "
COLUMNS = {
    # No page describes it any more; the columns are those that its users name.
    "__TABLES__": "project_id dataset_id table_id creation_time last_modified_time row_count"
    " size_bytes type",
    "TABLES": TABLE + "table_type is_insertable_into is_typed creation_time base_table_catalog"
    " base_table_schema base_table_name snapshot_time_ms ddl default_collation_name",
    "COLUMNS": TABLE + "column_name ordinal_position is_nullable data_type is_generated"
    " generation_expression is_stored is_hidden is_updatable is_system_defined"
    " is_partitioning_column clustering_ordinal_position collation_name column_default"
    " rounding_mode",
    "COLUMN_FIELD_PATHS": TABLE + "column_name field_path data_type description collation_name"
    " rounding_mode policy_tags",
    "TABLE_OPTIONS": TABLE + "option_name option_type option_value",
    "VIEWS": TABLE + "view_definition check_option use_standard_sql",
    "KEY_COLUMN_USAGE": "constraint_catalog constraint_schema constraint_name "
    + TABLE
    + "column_name ordinal_position position_in_unique_constraint",
    "CONSTRAINT_COLUMN_USAGE": TABLE
    + "column_name constraint_catalog constraint_schema constraint_name",
    "ROUTINES": "specific_catalog specific_schema specific_name routine_catalog routine_schema"
    " routine_name routine_type data_type routine_body routine_definition external_language"
    " is_deterministic security_type created last_altered ddl",
    "ROUTINE_OPTIONS": "specific_catalog specific_schema specific_name option_name option_type"
    " option_value",
    "SCHEMATA_OPTIONS": "catalog_name schema_name option_name option_type option_value",
}
NUMBERS = {
    "last_modified_time",
    "ordinal_position",
    "clustering_ordinal_position",
    "position_in_unique_constraint",
}
SCHEMA = ("dataset_id", "table_schema", "routine_schema", "specific_schema", "schema_name")
# https://cloud.google.com/bigquery/docs/information-schema-key-column-usage and its like
DATASETS_ONLY = {"KEY_COLUMN_USAGE", "CONSTRAINT_COLUMN_USAGE"}
REGIONS_ONLY = {"SCHEMATA_OPTIONS"}


def kind(column):
    return "bigint" if column in NUMBERS else "varchar[]" if column == "policy_tags" else "varchar"


class Views(BigQuerySession):
    """A session whose statements DuckDB answers; `locations` are the datasets that there are."""

    def __init__(self, duckdb, locations, project="shop-project"):
        super().__init__(None, project, seconds=60, limiter=UNLIMITED, emulated=False)
        self._locations = dict(locations)
        self.said = []
        self.regions_denied = False
        self.linked = set()  # datasets that no region shows
        self.engine = duckdb.connect()
        for view, columns in COLUMNS.items():
            typed = ", ".join(f"{each} {kind(each)}" for each in columns.split())
            self.engine.execute(f'create table "{view}" ({typed})')

    def add(self, view, **values):
        marks = ", ".join("?" for _ in values)
        self.engine.execute(
            f'insert into "{view}" ({", ".join(values)}) values ({marks})',  # noqa: S608
            list(values.values()),
        )

    def rows(self, query, parameters, location):
        self.calls += 1
        self.said.append((query, location))
        tree = sqlglot.parse_one(query, dialect="bigquery")
        for table in list(tree.find_all(exp.Table)):
            table.replace(self._view(table, location))
        found = self.engine.execute(tree.sql("duckdb"), parameters).fetchall()
        return [tuple(row) for row in found]

    def dataset(self, name):
        raise AssertionError(f"{name} is asked for alone")

    def _view(self, table, location):
        assert table.catalog == self.database
        view = table.name.removeprefix("INFORMATION_SCHEMA.")
        schema = next(each for each in SCHEMA if each in COLUMNS[view].split())
        region = re.fullmatch(r"region-(.+)", table.db)
        if region:
            assert region[1] == location.lower()
            assert view not in DATASETS_ONLY
            if self.regions_denied:
                raise Denied(f"Access Denied: Table {self.database}:{table.db}.{table.name}")
            here = [
                n for n, at in self._locations.items() if at == location and n not in self.linked
            ]
        else:
            assert view not in REGIONS_ONLY
            assert self._locations[table.db] == location
            here = [table.db]
        listed = ", ".join(f"'{each}'" for each in here)
        text = f'select * from "{view}" where {schema} in ({listed})'  # noqa: S608 - our own names
        return sqlglot.parse_one(text, dialect="duckdb").subquery(table.alias or None)
