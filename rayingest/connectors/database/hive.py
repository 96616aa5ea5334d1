# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Apache Hive, and Spark's Thrift Server, which speaks as Hive does.

Spark tells of many tables at once. HiveServer2 takes a statement for each, so where `metastoreConnection` names the
database of Hive's metastore, that is read instead, hundreds of tables in six statements.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import Choice, ConnectionModel, HostPort, SqlCommon, SslConfig
from rayingest.connectors.database.mysql import MysqlConnection
from rayingest.connectors.database.postgres import PostgresConnection
from rayingest.core.source import CheckResult, DiscoverableSource, Settings
from rayingest.kit.sql.facts import Facts
from rayingest.kit.sql.hive.facts import BATCHING, CAPABILITIES, HIVE, LACKS
from rayingest.kit.sql.metastore.facts import METASTORE
from rayingest.kit.sql.spec import RELATIONS, Sql

Auth = Literal["NONE", "LDAP", "KERBEROS", "CUSTOM", "NOSASL", "BASIC", "GSSAPI", "JWT", "PLAIN"]


class NoMetastore(ConnectionModel):
    """No metastore is named: HiveServer2 is asked."""


class HiveConnection(SqlCommon):
    """How to reach HiveServer2 or Spark's Thrift Server, or else the database of Hive's metastore."""

    type: Literal["Hive"] = Field("Hive", description="OpenMetadata's service type.")
    scheme: Literal["hive", "hive+http", "hive+https"] | None = Field(
        "hive", description="The binary protocol, or HTTP without or with TLS."
    )
    username: str | None = Field(None, description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password; with JWT the token.")
    hostPort: HostPort = Field(
        description="Host and port; without a port 10000, or 10001 over HTTP. Not asked where the"
        " metastore's database is read."
    )
    auth: Auth | None = Field(
        "NONE", description="How to sign in, as hive.server2.authentication says."
    )
    kerberosServiceName: str | None = Field(
        None, description="Service of the server's Kerberos principal; `hive` when absent."
    )
    databaseSchema: str | None = Field(
        None, description="Read this database of Hive only; all when absent."
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    authOptions: str | None = Field(
        None, repr=False, description="Parameters as in a URL's query, `http_path=…&krb_host=…`."
    )
    useSSL: bool | None = Field(False, description="Use TLS; the server's certificate is verified.")
    sslConfig: SslConfig | None = Field(
        None, description="Certificates; the server's is verified, with its name."
    )
    metastoreConnection: Annotated[
        PostgresConnection | MysqlConnection | NoMetastore | None, Choice()
    ] = Field(None, description="The database of Hive's metastore, to read instead of Hive.")


@dataclass(frozen=True, kw_only=True)
class Hive(Sql):
    """One connector with two kinds of session."""

    metastore: Facts

    @contextmanager
    def open(
        self, settings: Settings, context: Any = None
    ) -> Generator[DiscoverableSource, None, None]:
        """See Sql."""
        with Sql.open(self._by(settings), settings, context) as source:
            yield source

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """See Sql."""
        yield from Sql.check(self._by(settings), settings)

    def _by(self, settings: Settings) -> "Hive":
        told = settings.connection.metastoreConnection
        named = isinstance(told, PostgresConnection | MysqlConnection)
        return replace(self, facts=self.metastore) if named else self


CONNECTOR = Hive(
    service_type="Hive",
    dialect="hive",
    extra="hive",
    connection=HiveConnection,
    facts=HIVE,
    metastore=METASTORE,
    types=RELATIONS,
    batching=BATCHING,
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
