# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""MariaDB, 10.5 and newer: information_schema, read in batches over PyMySQL."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort, SqlCommon, Unused
from rayingest.kit.sql.mysql.facts import CAPABILITIES, LACKS, MYSQL
from rayingest.kit.sql.spec import Sql


class MariadbConnection(SqlCommon):
    """How to reach a MariaDB server; its databases become the schemas of one database."""

    type: Literal["MariaDB"] = Field("MariaDB", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["mysql+pymysql"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; PyMySQL is used whatever it says."
    )
    username: str = Field(description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password.")
    hostPort: HostPort = Field(
        description="Host and port (3306 when none is given), or the path of a socket."
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    databaseSchema: str | None = Field(
        None, description="Read this MariaDB database only; all but the system's when absent."
    )


CONNECTOR = Sql(
    service_type="MariaDB",
    extra="mysql",
    dialect="mysql",
    connection=MariadbConnection,
    facts=MYSQL,
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
