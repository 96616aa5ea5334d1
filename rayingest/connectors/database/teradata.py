# ruff: noqa: N815, S608 - OpenMetadata's field names; SQL composed of our own constants only
"""Teradata: its data dictionary DBC, read in batches over SQLAlchemy and the vendor's driver.

A database of Teradata's stands where others have a schema: all are below one called `default`, as in OpenMetadata.
The dictionary does not keep the types of views' columns: they arrive as UNKNOWN.
https://docs.teradata.com/r/Enterprise_IntelliFlex_VMware/Data-Dictionary
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import HostPort, SqlCommon, Unused, host_port
from rayingest.connectors.database._teradata.types import spelled
from rayingest.core.source import Capability, Settings
from rayingest.kit.sql.reflected.connector import relational
from rayingest.kit.sql.reflected.facts import Reflected, reflected
from rayingest.kit.sql.reflected.lookups import (
    QueriedColumns,
    QueriedKeys,
    QueriedMembers,
    QueriedSchemas,
    QueriedTexts,
)
from rayingest.kit.sql.reflected.session import Connect

PORT = 1025
CONNECT_MILLISECONDS = "10000"  # the driver takes text only
# Databases and users that come with the system.
# https://docs.teradata.com/r/Enterprise_IntelliFlex_VMware/Database-Administration
SYSTEM = (
    "'all', 'console', 'crashdumps', 'dbc', 'dbcmngr', 'default', 'external_ap', 'extuser', 'gs_sysdb',"
    " 'locklogshredder', 'public', 'sqlj', 'sysadmin', 'sysbar', 'sysjdbc', 'syslib', 'sysspatial',"
    " 'systemfe', 'sysudtlib', 'sysuif', 'td_analytics_db', 'td_data_session', 'td_dataset_pd',"
    " 'td_server_db', 'td_sysfnlib', 'td_sysgpl', 'td_sysxml', 'tdmaps', 'tdpuser', 'tdqcd', 'tdstats',"
    " 'tdwm'"
)
# Tables (with and without a primary index), queues; views. T, O, Q and V are documented with DBC.TablesV.
KINDS = "tablekind in ('T', 'O', 'Q', 'V')"
WITHIN = "databasename = :schema and tablename in :names"


class TeradataConnection(SqlCommon):
    """How to reach a Teradata system."""

    type: Literal["Teradata"] = Field("Teradata", description="OpenMetadata's service type.")
    scheme: Annotated[Literal["teradatasql"] | None, Unused()] = Field(
        None, description="SQLAlchemy scheme; there is one."
    )
    username: str = Field(description="User to connect as.")
    password: SecretStr | None = Field(None, description="Password.")
    logmech: Literal["TD2", "LDAP", "JWT", "KRB5", "CUSTOM", "TDNEGO"] = Field(
        "TD2", description="How to sign in: Teradata's own way, LDAP, a token, Kerberos, …"
    )
    logdata: SecretStr | None = Field(
        None, description="What that way needs besides: a token, a name, a realm."
    )
    hostPort: HostPort = Field(description="Host and port (1025 when none is given).")
    tmode: Literal["ANSI", "TERA", "DEFAULT"] = Field("DEFAULT", description="Transaction mode.")
    account: str | None = Field(None, description="Account for workload management.")


def connect(settings: Settings) -> Connect:
    """Address and sign-in; TLS as the driver's `sslmode` among connectionOptions says: VERIFY-FULL, …

    The driver asks for TLS and takes what it gets; it encrypts sign-ins itself.
    """
    import sqlalchemy as sa

    config: TeradataConnection = settings.connection
    host, port = host_port(config.hostPort, PORT)
    ours = {
        "connect_timeout": CONNECT_MILLISECONDS,
        "logmech": config.logmech,
        "tmode": config.tmode,
        "account": config.account,
        "logdata": config.logdata.get_secret_value() if config.logdata else None,
    }
    url = sa.URL.create(
        "teradatasql",
        username=config.username,
        password=config.password.get_secret_value() if config.password else None,
        host=host,
        port=port,
        query={**{key: text for key, text in ours.items() if text}, **config.connectionOptions},
    )
    return Connect(url, config.connectionArguments)


TERADATA = Reflected(
    extra="teradata",
    connect=connect,
    # Each user is a database, too: those of persons who own nothing are left out.
    schemas=QueriedSchemas(
        f"select databasename from dbc.databasesv d where lower(databasename) not in ({SYSTEM})"
        " and (dbkind = 'D' or exists (select 1 from dbc.tablesv t"
        f" where t.databasename = d.databasename and {KINDS})) order by 1"
    ),
    members=QueriedMembers(
        "select tablename, case when tablekind = 'V' then 'view' else 'table' end from dbc.tablesv"
        f" where databasename = :schema and {KINDS} order by 1"
    ),
    columns=QueriedColumns(
        "select tablename, columnname, columntype, case when nullable = 'N' then 0 else 1 end, commentstring,"
        " columnlength, decimaltotaldigits, decimalfractionaldigits, chartype, columnudtname"
        f" from dbc.columnsv where {WITHIN} order by tablename, columnid",
        spelled,
    ),
    # What is unique is an index: K and U say that it was declared as a key. The first select's types are
    # those of the whole, so that each is told.
    keys=QueriedKeys(
        "select tablename, cast(case when indextype = 'K' then 'PRIMARY KEY' else 'UNIQUE' end as varchar(11)),"
        " cast(indexnumber as varchar(128)), columnname, cast(null as varchar(128)),"
        " cast(null as varchar(128)), cast(null as varchar(128)), columnposition"
        f" from dbc.indicesv where {WITHIN} and (indextype in ('K', 'U')"
        " or (indextype in ('P', 'Q', 'S') and uniqueflag = 'Y')) "
        "union all select childtable, 'FOREIGN KEY', coalesce(indexname, cast(indexid as varchar(128))),"
        " childkeycolumn, parentdb, parenttable, parentkeycolumn, 0"
        " from dbc.all_ri_childrenv where childdb = :schema and childtable in :names order by 1, 2, 3, 8, 4"
    ),
    comments=QueriedTexts(f"select tablename, commentstring from dbc.tablesv where {WITHIN}"),
    # TablesV cuts texts after 12,500 characters; here they stand in pieces.
    definitions=QueriedTexts(
        "select tablename, requesttext, lineno from dbc.tabletextv"
        f" where {WITHIN} and tablekind = 'V' order by tablename, lineno"
    ),
    # A name may take 128 characters of two bytes, and older drivers send 64 kB of values at most.
    chunk=200,
    rights="GRANT SELECT ON DBC TO the account: DatabasesV, TablesV, ColumnsV, IndicesV, All_RI_ChildrenV, TableTextV.",
)

CONNECTOR = relational(
    "Teradata",
    "teradata",
    TeradataConnection,
    reflected(TERADATA),
    # Names are the same in any case, also between quotes.
    dialect="teradata, normalization_strategy=case_insensitive",
    listing_hides=False,
    lacks={
        Capability.DDL: "it is told by SHOW TABLE, table by table, which is not asked yet",
        Capability.OWNERS: "owners are not read yet",
        Capability.PARTITIONS: "partitioning is not read yet",
        Capability.PROCEDURES: "procedures, macros and functions are not read yet",
        Capability.TAGS: "it has no tags",
    },
)
