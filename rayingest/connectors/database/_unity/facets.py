# ruff: noqa: S608 - SQL composed of our own constants, and of literals that are escaped
"""Keys and tags, which no listing of the REST API has: read once for a run, by SQL.

`GET /tables` leaves constraints out, and tags have a call for each table
(https://docs.databricks.com/api/workspace/tables/list, …/entitytagassignments/list). The information
schema of the catalog `system` has those of all catalogs
(https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-information-schema).
"""

import logging
from collections.abc import Iterable, Mapping
from contextlib import closing
from itertools import groupby
from typing import NamedTuple

from rayingest.connectors.database._unity.connect import WorkspaceConnection, connect
from rayingest.connectors.database._unity.queries import SYSTEM, asked, equal, name
from rayingest.connectors.database._unity.statements import Row, Statements
from rayingest.core import fqn
from rayingest.core.source import Readable, Settings
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.keys import NO_KEYS, Foreign, Keys
from rayingest.model import Tag

PLAIN_TAGS = "UnityCatalogTags"  # the classification of a tag that has a name and no value
NO_WAREHOUSE = "httpPath names no SQL warehouse: keys and tags are not read."
KEYS = """select k.table_catalog, k.table_schema, k.table_name, t.constraint_type, k.constraint_name,
       k.column_name, u.table_catalog, u.table_schema, u.table_name, u.column_name
  from {place}.information_schema.key_column_usage k
  join {place}.information_schema.table_constraints t
    on t.constraint_catalog = k.constraint_catalog and t.constraint_schema = k.constraint_schema
   and t.constraint_name = k.constraint_name
  left join {place}.information_schema.referential_constraints r
    on r.constraint_catalog = k.constraint_catalog and r.constraint_schema = k.constraint_schema
   and r.constraint_name = k.constraint_name
  left join {place}.information_schema.key_column_usage u
    on u.constraint_catalog = r.unique_constraint_catalog
   and u.constraint_schema = r.unique_constraint_schema
   and u.constraint_name = r.unique_constraint_name
   and u.ordinal_position = k.position_in_unique_constraint
 where t.constraint_type in ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY'){only}
 order by k.table_catalog, k.table_schema, k.table_name, k.constraint_name, k.ordinal_position"""
_log = logging.getLogger(__name__)
Path = tuple[str, ...]  # catalog, schema, table, column: as many as are needed


class Facets(NamedTuple):
    """Keys of tables and tags of anything, by names as the catalog has them."""

    keys: Mapping[Path, Keys] = {}
    tags: Mapping[Path, tuple[Tag, ...]] = {}

    def keys_of(self, *names: str) -> Keys:
        """Keys of a table."""
        return self.keys.get(names, NO_KEYS)

    def tags_of(self, *names: str) -> tuple[Tag, ...]:
        """Tags of a catalog, a schema, a table or a column."""
        return self.tags.get(names, ())


NOTHING = Facets()


def prepare(settings: Settings, catalogue: Readable | None) -> Facets:
    """Two statements for the whole run, more where one has too much; none without a warehouse."""
    config: WorkspaceConnection = settings.connection
    with closing(connect(settings)) as api:
        if config.warehouse is None:
            _log.warning(NO_WAREHOUSE)
            return NOTHING
        statements = Statements(api, config.warehouse, settings.call_timeout)
        keys = keys_in(asked(api, statements, keys_query, settings), settings.service)
        wanted = Wants.of(settings.options).tags
        tags = tags_in(asked(api, statements, tags_query, settings)) if wanted else {}
        return Facets(keys, tags)


def keys_query(*within: str, place: str = SYSTEM) -> str:
    """The statement that tells keys."""
    only = equal(("k.table_catalog", "k.table_schema"), within)
    return KEYS.format(place=name(place), only="".join([f" and {each}" for each in only]))


def tags_query(*within: str, place: str = SYSTEM) -> str:
    """The statement that tells tags; those of a catalog itself are in the schema that has no name."""
    parts = (
        ("catalog_tags", ("catalog_name", "''", "''", "''")),
        ("schema_tags", ("catalog_name", "schema_name", "''", "''")),
        ("table_tags", ("catalog_name", "schema_name", "table_name", "''")),
        ("column_tags", ("catalog_name", "schema_name", "table_name", "column_name")),
    )
    selects = []
    for table, columns in parts:
        only = " and ".join(equal(columns, within))
        told = ", ".join((*columns, "tag_name", "tag_value"))
        where = f" where {only}" if only else ""
        selects.append(f"select {told} from {name(place)}.information_schema.{table}{where}")
    return " union all ".join(selects) + " order by 1, 2, 3, 4, 5, 6"


def keys_in(rows: Iterable[Row], service: str) -> dict[Path, Keys]:
    """Rows of `KEYS`, in its order, as the keys of each table."""
    found: dict[Path, Keys] = {}
    for table, of_table in groupby(rows, key=lambda row: _names(row[:3])):
        primary: list[str] = []
        unique: list[list[str]] = []
        foreign: list[Foreign] = []
        for (kind, _), group in groupby(of_table, key=lambda row: (row[3], row[4])):
            parts = list(group)
            columns = [str(row[5]) for row in parts]
            if kind == "PRIMARY KEY":
                primary = columns
            elif kind == "UNIQUE":
                unique.append(columns)
            elif None in parts[0][6:10]:
                # The account does not see the table that it refers to.
                _log.info("%s: a foreign key refers to what is not shown.", ".".join(table))
            else:
                referred = fqn.join(service, *_names(parts[0][6:9]))
                foreign.append(Foreign(columns, referred, [str(row[9]) for row in parts]))
        found[table] = Keys.of(primary, unique, foreign)
    return found


def tags_in(rows: Iterable[Row]) -> dict[Path, tuple[Tag, ...]]:
    """Rows of `tags_query` as the tags of each thing: `name = value` is a tag of the classification `name`."""
    found: dict[Path, list[Tag]] = {}
    for row in rows:
        names = tuple(filter(None, _names(row[:4])))
        tag = (row[4], row[5]) if row[5] else (PLAIN_TAGS, row[4])
        found.setdefault(names, []).append(Tag(classification=str(tag[0]), name=str(tag[1])))
    return {names: tuple(tags) for names, tags in found.items()}


def _names(row: Row) -> Path:
    return tuple([str(each or "") for each in row])
