"""Columns, of hundreds of relations by one statement."""

from collections.abc import Iterable

from rayingest.kit.sql.keys import Keys
from rayingest.kit.sql.snowflake.session import Row, SnowSession, among, grouped, spelled
from rayingest.kit.sql.snowflake.shapes import shape
from rayingest.kit.sql.snowflake.tags import Tags
from rayingest.model import Column

Key = tuple[str, str]  # schema, name
COLUMNS = """select table_schema, table_name, ordinal_position, column_name, data_type,
       character_maximum_length, numeric_precision, numeric_scale, is_nullable, comment
  from {views}.columns where {where}"""


def columns(
    session: SnowSession, keys: Iterable[Key], database: str | None = None
) -> dict[Key, list[Row]]:
    """Rows of COLUMNS by relation, in order; `database` is another than the session's."""
    names = grouped(keys)
    if not names:
        return {}
    where, parameters = among("table_schema", "table_name", names)
    views = f"{spelled(database)}.information_schema" if database else session.views
    found: dict[Key, list[Row]] = {}
    rows = session.rows(COLUMNS.format(views=views, where=where), parameters)
    for row in sorted(rows, key=lambda row: (row[0], row[1], row[2])):
        found.setdefault((row[0], row[1]), []).append(row)
    return found


def column(row: Row, place: int, keys: Keys, tags: Tags) -> Column:
    """One row of COLUMNS."""
    _, _, _, name, data_type, length, precision, scale, nullable, comment = row
    kind, display, element, size, digits, after, _ = shape(data_type, length, precision, scale)
    return Column(
        name=name,
        data_type=kind,
        data_type_display=display,
        array_data_type=element,
        data_length=size,
        precision=digits,
        scale=after,
        constraint=keys.constraint(name, required=nullable == "NO"),
        ordinal_position=place,
        description=comment or None,
        tags=tuple(tags.get(name, ())),
    )
