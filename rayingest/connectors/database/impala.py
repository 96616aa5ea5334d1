# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Apache Impala: SHOW and DESCRIBE over HiveServer2's protocol, which it speaks."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort, SqlCommon, Unused
from rayingest.kit.sql.hive.facts import BATCHING, CAPABILITIES, IMPALA, LACKS
from rayingest.kit.sql.spec import RELATIONS, Sql


class ImpalaConnection(SqlCommon):
    """How to reach an Impala daemon."""

    type: Literal["Impala"] = Field("Impala", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["impala", "impala4"] | None, Unused()] = Field(
        "impala", description="SQLAlchemy scheme; the protocol is the same."
    )
    username: str | None = Field(None, description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password; with JWT the token.")
    hostPort: HostPort = Field(
        description="Host and port; without a port 21050, or 28000 over HTTP."
    )
    authMechanism: Literal["NOSASL", "PLAIN", "GSSAPI", "LDAP", "JWT"] | None = Field(
        "PLAIN", description="How to sign in; NOSASL for a server without any sign-in."
    )
    kerberosServiceName: str | None = Field(
        None, description="Service of the server's Kerberos principal; `impala` when absent."
    )
    databaseSchema: str | None = Field(
        None, description="Read this database of Impala only; all when absent."
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    useSSL: bool | None = Field(None, description="Use TLS; the server's certificate is verified.")
    authOptions: str | None = Field(
        None, repr=False, description="Parameters as in a URL's query, `http_path=…&krb_host=…`."
    )


CONNECTOR = Sql(
    service_type="Impala",
    dialect="hive",
    extra="impala",
    connection=ImpalaConnection,
    facts=IMPALA,
    types=RELATIONS,
    batching=BATCHING,
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
