"""Which schema of a database has the tables of some other system: Superset's metadata, Hive's metastore."""

from collections.abc import Iterable, Sequence

from rayingest.errors import Denied, Permanent


def schema_with(
    needed: Sequence[str],
    found: Iterable[tuple[str, str]],
    *,
    whose: str,
    grant: str,
    only: str | None = None,
    usual: str = "",
) -> str:
    """The one that has all tables, out of pairs of schema and table; `usual` wins among several.

    Raises Denied when none has, Permanent when it cannot be told which one is meant.
    """
    tables: dict[str, set[str]] = {}
    for schema, table in found:
        tables.setdefault(schema, set()).add(table)
    if only:
        tables = {only: tables.get(only, set())}
    whole = sorted(each for each, names in tables.items() if names >= set(needed))
    if usual in whole:
        return usual
    if len(whole) > 1:
        raise Permanent(
            f"Several schemas have {whose} tables: {', '.join(whole)}.",
            hint="Connect as a user that may see only one of them, or name it: databaseSchema.",
        )
    if not whole:
        most = max(tables.values(), key=len, default=set())
        missing = ", ".join(each for each in needed if each not in most)
        raise Denied(
            f"Not all of {whose} tables are there, or may be seen: {missing}.",
            hint=f"Check which database it is. What is needed: {grant}",
        )
    return whole[0]
