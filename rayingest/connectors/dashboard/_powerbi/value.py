"""What may be known of a Power Query value: where it leads, and what it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rayingest.connectors.dashboard._powerbi.tree import Function, Tree


@dataclass(frozen=True)
class Server:
    """A function that leads to a database: sqlglot's dialect, which argument names the database, and how
    many names lead to a table, that one too.
    """

    dialect: str
    database: int | None = None
    names: int = 3


SERVERS = {
    "Sql.Database": Server("tsql", 1),
    "Sql.Databases": Server("tsql"),
    "PostgreSQL.Database": Server("postgres", 1),
    "AmazonRedshift.Database": Server("redshift", 1),
    "Snowflake.Databases": Server("snowflake"),
    "GoogleBigQuery.Database": Server("bigquery"),
    "Databricks.Catalogs": Server("databricks"),
    "DatabricksMultiCloud.Catalogs": Server("databricks"),
    "Oracle.Database": Server("oracle", names=2),
    "MySQL.Database": Server("mysql", names=2),
}


@dataclass(frozen=True)
class Place:
    """On the way to a table: the names so far."""

    server: Server
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """SQL that a database is asked."""

    sql: str
    at: Place


@dataclass(frozen=True)
class Value:
    """What is known of an expression's value: a text, a record, a place, a function; what it reads, and not."""

    text: str | None = None
    fields: Mapping[str, "Value"] = field(default_factory=dict)
    place: Place | None = None
    function: tuple[Function, "Scope"] | None = None
    reads: tuple[Place | Query, ...] = ()
    unknown: tuple[str, ...] = ()


EMPTY = Value()


@dataclass(frozen=True, eq=False)
class Scope:
    """Names, and what is behind them where they are known already."""

    names: Mapping[str, Tree | Value | str]
    above: "Scope | None" = None
    known: dict[str, Value] = field(default_factory=dict)


def arrived(value: Value) -> Value:
    """Whoever is still on the way to a table reads nobody knows what."""
    if value.place is None:
        return value
    names = "/".join(value.place.names) or "a database"
    return replace(value, place=None, unknown=(*value.unknown, f"all of {names}"))


def on_server(name: str, given: Sequence[Value]) -> Value:
    """Where a function of SERVERS leads with these arguments."""
    server = SERVERS[name]
    place = Place(server)
    if server.database is not None:
        database = given[server.database].text if server.database < len(given) else None
        if database is None:
            return Value(unknown=(f"{name} with a computed name",))
        place = Place(server, (database,))
    query = next((each.fields["Query"] for each in given if "Query" in each.fields), None)
    return asked(query, place) if query is not None else Value(place=place)


def asked(query: Value, place: Place) -> Value:
    """What a database answers to SQL."""
    if query.text is None:
        return Value(unknown=("a computed query",))
    return Value(reads=(Query(query.text, place),))


def item_of(of: Value, key: Value) -> Value:
    """One step on the way to a table."""
    if of.place is None:
        return of
    told = [key.fields[each].text for each in ("Schema", "Item", "Name") if each in key.fields]
    names = tuple(each for each in told if each)
    if not names or None in told:
        return Value(unknown=("a computed name",))
    place = Place(of.place.server, (*of.place.names, *names))
    missing = place.server.names - len(place.names)
    if missing < 0:
        return Value(unknown=("/".join(place.names),))
    return Value(place=place) if missing else Value(reads=(place,))
