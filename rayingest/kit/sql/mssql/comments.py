"""Descriptions: the extended property MS_Description, which SQL Server's own tools write.

https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/extended-properties-catalog-views-sys-extended-properties
"""

from collections.abc import Sequence

from rayingest.kit.sql.mssql.session import TdsSession, among

DATABASE, OBJECT, SCHEMA = 0, 1, 3
ITSELF = 0  # the minor_id of what is no column
COMMENTS = """select e.major_id, e.minor_id, cast(e.value as nvarchar(max))
  from sys.extended_properties e
 where e.class = {kind} and e.name = 'MS_Description' and e.major_id in ({ids})"""
Comments = dict[tuple[int, int], str]


def comments(session: TdsSession, kind: int, ids: Sequence[str]) -> Comments:
    """What is said of things of a class, by their ids and those of their columns."""
    if session.is_synapse or not ids:  # it has no extended properties
        return {}
    query = COMMENTS.format(kind=kind, ids=among(ids))
    return {(major, minor): text for major, minor, text in session.rows(query) if text}
