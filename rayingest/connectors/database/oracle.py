# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Oracle Database 12.1 and newer: its data dictionary, read in batches over python-oracledb."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import Choice, HostPort, SqlCommon, Unused
from rayingest.kit.sql.oracle.facts import CAPABILITIES, LACKS, ORACLE
from rayingest.kit.sql.oracle.options import Schema, ServiceName, Tns
from rayingest.kit.sql.spec import Sql


class OracleConnection(SqlCommon):
    """How to reach an Oracle database; a pluggable database is what its service leads to."""

    type: Literal["Oracle"] = Field("Oracle", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["oracle+cx_oracle"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; python-oracledb is used whatever it says."
    )
    username: str = Field(description="User to connect as; `proxy[name]` connects through a proxy.")
    password: SecretStr | None = Field(
        None, description="Password; not needed with externalauth or an access_token."
    )
    hostPort: HostPort | None = Field(
        None,
        description="Host and port (1521 when none is given, 2484 with TLS); not needed with a TNS "
        "alias or descriptor.",
    )
    oracleConnectionType: Annotated[ServiceName | Schema | Tns, Choice()] = Field(
        description="Which database of that server: a service, a SID, or a whole descriptor."
    )
    instantClientDirectory: str | None = Field(
        None,
        description="Folder of Oracle's client libraries, for what only they can do (Kerberos, native "
        "encryption, servers before 12.1); without it none are needed.",
    )
    databaseName: str | None = Field(
        None, description="What the database is called in the catalogue; `default` when absent."
    )
    preserveIdentifierCase: bool = Field(
        False,
        description="Tell names as they are stored; else those that need no quotes come in lower "
        "case, and of two tables that then are alike the quoted one is left out.",
    )
    useDBATable: bool = Field(
        True,
        description="Read DBA_ views, which show all there is; where the user may not, and if false, "
        "ALL_ views, which show what the user has a right to.",
    )


CONNECTOR = Sql(
    service_type="Oracle",
    dialect="oracle, normalization_strategy=case_insensitive",
    extra="oracle",
    connection=OracleConnection,
    facts=ORACLE,
    listing_hides=True,
    capabilities=CAPABILITIES,
    lacks=LACKS,
)
