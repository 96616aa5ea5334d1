# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Amazon Athena: what it queries is in Glue's catalogue, and is read there; no query is run.

It takes what `glue` takes; `rayingest check` names, with athena:ListDataCatalogs, the data catalogs that are
not in Glue and are not read. For a bucket of S3 tables STS is asked for the account.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import SampleDataStorage, Unused
from rayingest.connectors.database import glue
from rayingest.connectors.database._glue.athena import ATHENA
from rayingest.kit.aws.connection import AwsDatabase, NoOptions


class AthenaConnection(AwsDatabase, NoOptions):
    """How to reach the catalogue that Athena queries."""

    type: Literal["Athena"] = Field("Athena", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["awsathena+rest"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; Glue is asked whatever it says."
    )
    s3StagingDir: str = Field(
        description="Where Athena writes answers; the catalogue wants it, no query is run here."
    )
    workgroup: str = Field(
        description="Athena's workgroup; the catalogue wants it, no query is run here."
    )
    catalogId: str | None = Field(
        None,
        description="Another catalogue than the account's: the id of an account, or "
        "`s3tablescatalog/` and the name of a bucket.",
    )
    sampleDataStorageConfig: Annotated[SampleDataStorage | None, Unused()] = Field(
        default=None, description="Where sample data would be stored."
    )


CONNECTOR = replace(
    glue.CONNECTOR,
    service_type="Athena",
    connection=AthenaConnection,
    facts=ATHENA,
    alias_of="glue",
)
