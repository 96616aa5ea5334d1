# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""What the connections of MySQL's relatives have in common."""

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort, SqlCommon, SslConfig


class RelativeFields(SqlCommon):
    """How to reach a server that speaks MySQL's protocol; its databases become schemas of one database."""

    username: str = Field(description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password.")
    hostPort: HostPort = Field(description="Host and port, or the path of a socket.")
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    databaseSchema: str | None = Field(
        None, description="Read this database of the server only; all but the system's when absent."
    )


class SecureFields(RelativeFields):
    """The same with certificates."""

    sslConfig: SslConfig | None = Field(
        None, description="Certificates; the server's is verified, with its name."
    )
