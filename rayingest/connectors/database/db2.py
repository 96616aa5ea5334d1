# ruff: noqa: S608 - SQL composed of our own constants only
"""IBM Db2 for Linux, UNIX and Windows: its catalogue SYSCAT, read in batches over SQLAlchemy and the vendor's driver.

Db2 for z/OS and for i have other catalogues, which are not read.
https://www.ibm.com/docs/en/db2/11.5?topic=views-road-map-catalog
"""

from rayingest.connectors.database._db2.connect import Db2Connection, connect
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

WITHIN = "tabschema = :schema and tabname in :names"
# Tables, typed tables, nicknames; materialized queries; views, typed views. Aliases are no tables.
KINDS = "type in ('T', 'U', 'N', 'S', 'V', 'W')"
SIZED = {
    "CHARACTER",
    "VARCHAR",
    "LONG VARCHAR",
    "GRAPHIC",
    "VARGRAPHIC",
    "BINARY",
    "VARBINARY",
    "CLOB",
    "DBCLOB",
    "BLOB",
}
BYTES = 0  # the code page of characters that are bytes: FOR BIT DATA


def database(settings: Settings) -> str:
    """The database as the config names it."""
    name: str = settings.connection.database
    return name


def spelled(name: str, length: int, scale: int, code_page: int | None) -> str:
    """The text of a type, whose parts the catalogue keeps apart."""
    if name in SIZED:
        bits = " FOR BIT DATA" if code_page == BYTES and name in {"CHARACTER", "VARCHAR"} else ""
        return f"{name}({length}){bits}"
    if name == "DECIMAL":
        return f"DECIMAL({length},{scale})"
    return f"TIMESTAMP({scale})" if name == "TIMESTAMP" else name


# Schemas of less than eight letters were padded by older servers; comparisons do not see that.
DB2 = Reflected(
    extra="db2",
    connect=connect,
    database=database,
    # No schema of a user's can begin with SYS.
    schemas=QueriedSchemas(
        "select rtrim(schemaname) from syscat.schemata where left(schemaname, 3) <> 'SYS' order by 1"
    ),
    hidden=frozenset({"NULLID", "SQLJ"}),
    members=QueriedMembers(
        "select tabname, case when type = 'S' then 'materialized view' when type in ('V', 'W') then 'view'"
        f" else 'table' end from syscat.tables where tabschema = :schema and {KINDS} order by 1"
    ),
    columns=QueriedColumns(
        "select tabname, colname, typename, case when nulls = 'N' then 0 else 1 end, remarks,"
        f" length, scale, codepage from syscat.columns where {WITHIN} order by tabname, colno",
        spelled,
    ),
    # The parent's columns are those of the key that is referred to, by their place in it.
    keys=QueriedKeys(
        "select k.tabname, case when c.type = 'P' then 'PRIMARY KEY' else 'UNIQUE' end, k.constname, k.colname,"
        " cast(null as varchar(128)), cast(null as varchar(128)), cast(null as varchar(128)), k.colseq"
        " from syscat.keycoluse k join syscat.tabconst c on c.tabschema = k.tabschema"
        " and c.tabname = k.tabname and c.constname = k.constname"
        " where k.tabschema = :schema and k.tabname in :names and c.type in ('P', 'U') "
        "union all select k.tabname, 'FOREIGN KEY', k.constname, k.colname,"
        " rtrim(r.reftabschema), r.reftabname, p.colname, k.colseq"
        ' from syscat."REFERENCES" r join syscat.keycoluse k on k.tabschema = r.tabschema'
        " and k.tabname = r.tabname and k.constname = r.constname"
        " join syscat.keycoluse p on p.tabschema = r.reftabschema and p.tabname = r.reftabname"
        " and p.constname = r.refkeyname and p.colseq = k.colseq"
        " where r.tabschema = :schema and r.tabname in :names order by 1, 2, 3, 8"
    ),
    comments=QueriedTexts(f"select tabname, remarks from syscat.tables where {WITHIN}"),
    # A materialized query stands among the views.
    definitions=QueriedTexts(
        "select viewname, text from syscat.views where viewschema = :schema and viewname in :names"
    ),
    chunk=500,
    rights="GRANT SELECT ON SYSCAT.SCHEMATA, TABLES, COLUMNS, KEYCOLUSE, TABCONST, REFERENCES and VIEWS TO the account.",
)

CONNECTOR = relational(
    "Db2",
    "db2",
    Db2Connection,
    reflected(DB2),
    # sqlglot does not know Db2's SQL: plain selects are read as Oracle's, which has names in upper case, too.
    dialect="oracle",
    listing_hides=False,
    lacks={
        Capability.DDL: "it is made by a tool, db2look, and not kept",
        Capability.OWNERS: "owners are not read yet",
        Capability.PARTITIONS: "partitions are not read yet",
        Capability.PROCEDURES: "procedures and functions are not read yet",
        Capability.TAGS: "it has no tags",
    },
)
