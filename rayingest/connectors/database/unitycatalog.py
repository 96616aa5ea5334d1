"""Unity Catalog of a Databricks workspace, over its REST API.

The catalog `system`, Databricks' own tables, is read when `catalog` names it.
"""

from typing import Literal

from pydantic import Field

from rayingest.connectors.database._unity.connect import WorkspaceConnection
from rayingest.connectors.database._unity.spec import Unity


class UnityCatalogConnection(WorkspaceConnection):
    """How to reach a workspace; its catalogs become databases."""

    type: Literal["UnityCatalog"] = Field(
        "UnityCatalog", description="OpenMetadata's service type."
    )


CONNECTOR = Unity(service_type="UnityCatalog", connection=UnityCatalogConnection)
