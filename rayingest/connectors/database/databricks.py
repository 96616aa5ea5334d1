# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""A Databricks workspace: its Unity Catalog, over the REST API.

`hive_metastore`, the catalog of workspaces before Unity Catalog, is not read: it has no REST API. The
catalog `system`, Databricks' own tables, is read when `catalog` names it.
"""

from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import Unused
from rayingest.connectors.database._unity.connect import WorkspaceConnection
from rayingest.connectors.database._unity.spec import Unity


class DatabricksConnection(WorkspaceConnection):
    """How to reach a workspace; its catalogs become databases."""

    type: Literal["Databricks"] = Field("Databricks", description="OpenMetadata's service type.")
    httpPath: str = Field(
        description="`/sql/1.0/warehouses/…`: the SQL warehouse that keys, tags and recorded "
        "lineage are read by; of a cluster they are left out.",
    )
    queryHistoryTable: Annotated[str | None, Unused()] = Field(
        None, description="Table with the query log."
    )


CONNECTOR = Unity(
    service_type="Databricks", connection=DatabricksConnection, alias_of="unitycatalog"
)
