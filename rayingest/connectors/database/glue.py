"""AWS Glue's catalogue: its databases are the schemas of one database.

It takes glue:GetDatabases and glue:GetTables on the catalogue, its databases and tables (GetDatabase and GetTable
for single ones), and DESCRIBE in Lake Formation where that guards them. What the account may not see there,
Glue does not list.
"""

from typing import Literal

from pydantic import Field

from rayingest.connectors.database._glue.facts import CAPABILITIES, GLUE, LACKS, LIMITS
from rayingest.kit.aws.connection import AwsDatabase, NoOptions
from rayingest.kit.sql.spec import RELATIONS, Sql


class GlueConnection(AwsDatabase, NoOptions):
    """How to reach Glue: the catalogue of the account in one region."""

    type: Literal["Glue"] = Field("Glue", description="OpenMetadata's service type.")


CONNECTOR = Sql(
    service_type="Glue",
    dialect="athena",
    extra="aws",
    connection=GlueConnection,
    facts=GLUE,
    types=RELATIONS,
    listing_hides=True,
    limits=LIMITS,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
