"""Superset's tables as the API's words have them: what is asked of its metadata database.

They are those of `superset/models`, `superset/connectors/sqla/models.py` and `superset/tags/models.py`
in https://github.com/apache/superset.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

NEEDED = (
    "dashboards", "slices", "dashboard_slices", "dashboard_user", "ab_user", "tag", "tagged_object",
    "tables", "table_columns", "sql_metrics", "sqlatable_user", "dbs",
)  # fmt: skip
CATALOG = 't."catalog"'  # since 4.1


class Query(NamedTuple):
    """Key -> column, and where from; `{s}` is the schema, `{ids}` are those of the entities."""

    columns: Mapping[str, str]
    source: str

    def only(self, names: Collection[str]) -> "Query":
        """The same with less to tell."""
        chosen = {key: each for key, each in self.columns.items() if key in names}
        return self._replace(columns=chosen)

    @property
    def text(self) -> str:
        """The statement, with names in double quotes."""
        return f"select {', '.join(self.columns.values())} from {self.source}"  # noqa: S608 - no input


DASHBOARDS = Query(
    {"id": "d.id", "dashboard_title": "d.dashboard_title", "published": "d.published"},
    '{s}."dashboards" d order by d.id',
)
DATASETS = Query(
    {
        "id": "t.id",
        "table_name": "t.table_name",
        "catalog": CATALOG,
        "schema": 't."schema"',
        "sql": 't."sql"',
    },
    '{s}."tables" t order by t.id',
)
EMAILS = Query({"value": "u.id", "email": "u.email"}, '{s}."ab_user" u order by u.id')

DASHBOARD = Query(
    {"id": "d.id", "dashboard_title": "d.dashboard_title", "slug": "d.slug"},
    '{s}."dashboards" d where d.id in ({ids})',
)
DASHBOARD_OWNERS = Query(
    {"of": "o.dashboard_id", "id": "o.user_id"},
    '{s}."dashboard_user" o where o.dashboard_id in ({ids})',
)
DASHBOARD_TAGS = Query(
    {"of": "o.object_id", "name": "t.name"},
    '{s}."tagged_object" o join {s}."tag" t on t.id = o.tag_id'
    " where o.object_type = 'dashboard' and t.type = 'custom' and o.object_id in ({ids})",
)
CHARTS = Query(
    {
        "of": "o.dashboard_id",
        "id": "c.id",
        "slice_name": "c.slice_name",
        "description": "c.description",
        "viz_type": "c.viz_type",
        "datasource_id": "c.datasource_id",
        "datasource_type": "c.datasource_type",
    },
    '{s}."dashboard_slices" o join {s}."slices" c on c.id = o.slice_id'
    " where o.dashboard_id in ({ids})",
)

DATASET = Query(
    {
        "id": "t.id",
        "table_name": "t.table_name",
        "catalog": CATALOG,
        "schema": 't."schema"',
        "sql": 't."sql"',
        "description": "t.description",
        # Of the address of a database only this is read: it tells a host and a user, too.
        "scheme": "left(b.sqlalchemy_uri, position('://' in b.sqlalchemy_uri) - 1)",
    },
    '{s}."tables" t join {s}."dbs" b on b.id = t.database_id where t.id in ({ids})',
)
DATASET_OWNERS = Query(
    {"of": "o.table_id", "id": "o.user_id"},
    '{s}."sqlatable_user" o where o.table_id in ({ids})',
)
COLUMNS = Query(
    {
        "of": "c.table_id",
        "id": "c.id",
        "column_name": "c.column_name",
        "type": "c.type",
        "expression": "c.expression",
        "is_dttm": "c.is_dttm",
        "verbose_name": "c.verbose_name",
        "description": "c.description",
    },
    '{s}."table_columns" c where c.table_id in ({ids})',
)
METRICS = Query(
    {
        "of": "m.table_id",
        "id": "m.id",
        "metric_name": "m.metric_name",
        "expression": "m.expression",
        "verbose_name": "m.verbose_name",
        "description": "m.description",
    },
    '{s}."sql_metrics" m where m.table_id in ({ids})',
)
