# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""SQLite: one file, read through its own schema table, in this process and with no driver."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import SqlCommon, Unused
from rayingest.core.source import Capability
from rayingest.kit.sql.spec import RELATIONS, Sql
from rayingest.kit.sql.sqlite.facts import CAPABILITIES, SQLITE


class SqliteConnection(SqlCommon):
    """Which SQLite file to read."""

    type: Literal["SQLite"] = Field("SQLite", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["sqlite+pysqlite"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; Python's own sqlite3 is used whatever it says."
    )
    username: Annotated[str | None, Unused()] = Field(None, description="SQLite has no users.")
    password: Annotated[SecretStr | None, Unused()] = Field(
        None, description="SQLite has no passwords."
    )
    hostPort: Annotated[str | None, Unused()] = Field(None, description="SQLite has no server.")
    database: str | None = Field(
        None,
        description="What the database is called in the catalogue (`default` when absent); "
        "without databaseMode: the path of the file.",
    )
    databaseMode: str = Field(
        ":memory:", description="Path of the SQLite file; it is opened read-only."
    )


CONNECTOR = Sql(
    service_type="SQLite",
    dialect="sqlite",
    connection=SqliteConnection,
    facts=SQLITE,
    local=True,
    types=RELATIONS,
    capabilities=CAPABILITIES,
    lacks={
        Capability.COMMENTS: "SQLite has no comments",
        Capability.OWNERS: "SQLite has no owners",
        Capability.PROCEDURES: "SQLite has no stored procedures",
        Capability.PARTITIONS: "SQLite has no partitions",
        Capability.TAGS: "SQLite has no tags",
    },
)
