"""What an incremental run hears of tables and views: when they were defined last, and whose they are.

LAST_DDL moves with every CREATE, ALTER, DROP and UNDROP of a table or view, comments and columns
included, and not when rows are written: https://docs.snowflake.com/en/sql-reference/info-schema/tables.
The vendor says so of tables and views alone: all else is described in every run. INFORMATION_SCHEMA
tells it at once; the tags of ACCOUNT_USAGE come up to two hours later, hence a margin. What was dropped
is missed in the listing of names, which is whole in every run: nobody has to be asked for DELETED.
"""

from rayingest.kit.sql.snowflake.session import Row

COVERED = {"BASE TABLE", "TRANSIENT", "VIEW"}
# As numbers, for the text of a moment depends on parameters of the account.
CHANGED = """, case when last_ddl < dateadd(day, -{margin}, current_timestamp())
            then date_part(epoch_millisecond, last_ddl) end,
       date_part(epoch_millisecond, created), table_owner"""
NONE = ", null as last_ddl, null as created, null as owner"
TOLD = ", last_ddl, created, owner"
TELLING = """select count(*), count(last_ddl) from {views}.tables
 where table_schema <> 'INFORMATION_SCHEMA'"""


def columns(margin: int | None) -> dict[str, str]:
    """What the listing asks for besides names; nothing where nobody wants to know."""
    if margin is None:
        return dict.fromkeys(("told", "none", "token"), "")
    return {"told": TOLD, "none": NONE, "token": CHANGED.format(margin=margin)}


def token(row: Row) -> str | None:
    """The change token in a row of the listing; none while a change is younger than the margin.

    A table that another one was swapped with has another day of creation; to give it another owner
    is no DDL of the table.
    """
    if len(row) < 7 or row[4] is None or row[3] not in COVERED:
        return None
    return f"{row[4]} {row[5]} {row[6]}"
