# ruff: noqa: S608 - statements for a database of our own
"""A small PostgreSQL catalogue whose names try to break things."""

from collections.abc import Iterator

from rayingest.testing.shop import Shop, literal, quote

WIDE = 1000
HOSTILE = (
    'quote"inside',
    "apostrophe's",
    "dot.in.name",
    '"quoted"',
    "semi;colon -- comment",
    "percent%s %(x)s {y}",
    "back\\slash",
    "new\nline",
    "tab\there",
    "colon::colon",
    "arrow>greater",
    "ünïcödé",
    "汉字",
    "emoji 🛒",
    "select",
    "Case",
    "case",
    "CASE",
    " leading and trailing ",
    "$1",
    "slash/and?query=1&x#y",
    "<script>",
    "null",
)


def hostile() -> Shop:
    """Names that try to break quoting, FQNs and filters, as schema, table, column and function.

    Plus a table of 1,000 columns, one without any, and one with dropped columns.
    """
    return Shop(tuple(_hostile()), _hostile_counts())


def _hostile() -> Iterator[str]:
    for name in HOSTILE:
        schema, own = quote(name), quote("t " + name)
        columns = ", ".join(f"{quote(each)} integer" for each in HOSTILE)
        yield (
            f"create schema {schema};\n"
            f"create table {schema}.{schema} ({columns}, primary key ({schema}));\n"
            f"create table {schema}.{own} ({schema} integer references {schema}.{schema});\n"
            f"create view {schema}.{quote('v ' + name)} as select {schema} from {schema}.{schema};\n"
            f"create function {schema}.{schema}() returns integer language sql as 'select 1';\n"
            f"comment on table {schema}.{schema} is {literal(name)};\n"
            f"comment on column {schema}.{schema}.{schema} is {literal(name)};\n"
        )
    wide = ", ".join(f"c{place:04d} integer" for place in range(WIDE))
    yield (
        f"create table public.wide ({wide});\n"
        "create table public.nothing ();\n"
        "create table public.dropped (a integer, b integer, c integer, d integer, "
        "primary key (c), unique (b, d));\n"
        "alter table public.dropped drop column a;\n"
    )


def _hostile_counts() -> dict[str, int]:
    names = len(HOSTILE)
    return {
        "schemas": names + 1,
        "tables": 3 * names + 3,
        "columns": names * (names + 2) + WIDE + 3,
        "routines": names,
        "views": names,
    }
