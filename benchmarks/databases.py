# ruff: noqa: INP001 - a program; statements of its own words
"""What reading a table costs, for every database that the tests can start: statements, CPU, wall.

    python benchmarks/databases.py --tables 500 --only postgres,sqlite

Each is filled with tables of ten columns and a key, in one schema, and read through one session: listed,
then described in batches as large as the connector allows. Beside it SQLAlchemy's inspector asks
about one table after the other (columns, keys, comment), where it has a dialect that is installed.
A server's own CPU is not counted.
"""

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from world import finish, machine, parser, say, summary, table

from rayingest.core import registry
from rayingest.core.filters import Filters
from rayingest.core.source import Described, EntityDescriptor, Settings
from rayingest.errors import RayingestError
from rayingest.model import EntityType, Table
from rayingest.testing import clickhouse, mariadb, postgres, trino
from rayingest.testing.conformance import discovered
from rayingest.testing.servers import fakesnow, hive, minilake, mongodb

KINDS = ("integer", "varchar(40)", "decimal(10,2)", "date", "timestamp")
COLUMNS = 10


@dataclass(frozen=True)
class Stocked:
    """A database with tables: how the connector reaches it, and SQLAlchemy, if it can."""

    connection: dict[str, Any]
    url: Any = None
    schema: str | None = None


def create(number: int, prefix: str = "", key: str = "primary key (id)") -> Iterator[str]:
    """A statement for each table, in words that all of them know."""
    for at in range(number):
        columns = ", ".join(f"c{each} {KINDS[each % len(KINDS)]}" for each in range(1, COLUMNS))
        yield f"create table {prefix}t{at:05d} (id integer not null, {columns}, {key})"


@contextmanager
def on_postgres(number: int, folder: Path) -> Generator[Stocked]:
    """PostgreSQL of the wheel."""
    import sqlalchemy as sa

    with postgres.server() as server:
        server.create("shop")
        with server.connect("shop") as connection:
            connection.execute(";".join(create(number)))
            connection.execute("vacuum (analyze) pg_catalog.pg_class, pg_catalog.pg_attribute")
        url = sa.URL.create(
            "postgresql+psycopg", server.user, server.password, server.host, server.port, "shop"
        )
        yield Stocked(server.config("shop"), url, "public")


@contextmanager
def on_mariadb(number: int, folder: Path) -> Generator[Stocked]:
    """MariaDB of the system."""
    import sqlalchemy as sa

    with mariadb.server() as server:
        server.run("create database shop", *create(number, "shop."))
        url = sa.URL.create(
            "mariadb+pymysql", server.user, server.password, server.host, server.port
        )
        yield Stocked(server.config(), url, "shop")


@contextmanager
def on_sqlite(number: int, folder: Path) -> Generator[Stocked]:
    """A file."""
    import sqlalchemy as sa

    path = folder / "shop.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(";".join(create(number)))
    yield Stocked({"databaseMode": str(path)}, sa.URL.create("sqlite", database=str(path)))


@contextmanager
def on_duckdb(number: int, folder: Path) -> Generator[Stocked]:
    """A file; its dialect's reflection of keys fails on DuckDB 2, so there is nothing to compare."""
    import duckdb

    path = folder / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(";".join(create(number)))
    yield Stocked({"database": str(path)})


@contextmanager
def on_clickhouse(number: int, folder: Path) -> Generator[Stocked]:
    """ClickHouse of the system, over HTTP; its dialects need packages that are not here."""
    kinds = ("Int32", "String", "Decimal(10, 2)", "Date", "DateTime")
    columns = ", ".join(f"c{each} {kinds[each % len(kinds)]}" for each in range(1, COLUMNS))
    with clickhouse.server() as server:
        server.run(
            "create database shop",
            *(
                f"create table shop.t{at:05d} (id Int32, {columns}) engine = MergeTree order by id"
                for at in range(number)
            ),
        )
        yield Stocked(server.config())


@contextmanager
def on_snowflake(number: int, folder: Path) -> Generator[Stocked]:
    """fakesnow: an emulator, whose own time is in the wall."""
    with fakesnow.server() as server:
        server.run("create database shop", "create schema shop.web", *create(number, "shop.web."))
        yield Stocked(server.config(database="shop"))


@contextmanager
def on_unitycatalog(number: int, folder: Path) -> Generator[Stocked]:
    """minilake: an emulator, whose own time is in the wall; it has one page of each listing."""
    columns = [{"name": f"c{each}", "type_text": "int"} for each in range(COLUMNS)]
    with minilake.server() as server:
        server.make("catalogs", name="shop")
        server.make("schemas", name="web", catalog_name="shop")
        within = {"catalog_name": "shop", "schema_name": "web"}
        for at in range(number):
            server.make("tables", name=f"t{at:05d}", columns=columns, **within)
        yield Stocked(server.config(catalog="shop"))


@contextmanager
def on_trino(number: int, folder: Path) -> Generator[Stocked]:
    """A cluster of ours in this process: its CPU and wall are in the figures, so statements count alone."""
    columns = ", ".join(f"c{each} varchar" for each in range(1, COLUMNS))
    cluster = trino.Cluster()
    cluster.run("create schema shop.web")
    cluster.run(
        *(f"create table shop.web.t{at:05d} (id bigint, {columns})" for at in range(number))
    )
    with trino.serving(cluster) as address:
        yield Stocked({"username": "bench", "hostPort": address, "catalog": "shop"})


@contextmanager
def on_hive(number: int, folder: Path) -> Generator[Stocked]:
    """Spark's Thrift Server, whose own time is in the wall."""
    columns = ", ".join(f"c{each} string" for each in range(1, COLUMNS))
    made = (
        f"create table shop.t{at:05d} (id int, {columns}) using parquet" for at in range(number)
    )
    with hive.server() as server:
        server.run("create database shop", *made)
        yield Stocked(server.config(databaseSchema="shop"))


@contextmanager
def on_mongodb(number: int, folder: Path) -> Generator[Stocked]:
    """SecantusDB: an emulator, whose own time is in the wall; a hundred documents in a collection."""
    documents = [{"_id": at, **{f"c{each}": at for each in range(1, COLUMNS)}} for at in range(100)]
    with mongodb.server() as server:
        for at in range(number):
            server.tell("shop", {"insert": f"t{at:05d}", "documents": documents})
        yield Stocked(server.config())


@contextmanager
def on_deltalake(number: int, folder: Path) -> Generator[Stocked]:
    """Folders of this machine, of one commit each."""
    from deltalake import DeltaTable, Field, Schema
    from deltalake.schema import PrimitiveType

    fields = [Field(f"c{each}", PrimitiveType("string")) for each in range(COLUMNS)]
    for at in range(number):
        DeltaTable.create(str(folder / "lake" / f"t{at:05d}"), Schema(fields))
    yield Stocked({"configSource": {"connection": {}, "bucketName": str(folder / "lake")}})


@contextmanager
def on_iceberg(number: int, folder: Path) -> Generator[Stocked]:
    """A SQL catalogue in a file of SQLite: each table is a statement and a file of metadata."""
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField, StringType

    uri = f"sqlite:///{folder}/catalog.db"
    made = SqlCatalog("shop", uri=uri, warehouse=f"file://{folder}")
    made.create_namespace("web")
    schema = Schema(*(NestedField(at + 1, f"c{at}", StringType()) for at in range(COLUMNS)))
    for at in range(number):
        made.create_table(("web", f"t{at:05d}"), schema)
    made.close()
    yield Stocked({"catalog": {"name": "shop", "connection": {"sqlUri": uri}}})


@contextmanager
def on_datalake(number: int, folder: Path) -> Generator[Stocked]:
    """Files of Parquet in a folder of this machine, each a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "lake").mkdir()
    rows = pa.table({f"c{each}": ["text"] for each in range(COLUMNS)})
    for at in range(number):
        pq.write_table(rows, folder / "lake" / f"{chr(97 + at % 26)}{'x' * (at // 26)}.parquet")
    yield Stocked({"configSource": {}, "bucketName": str(folder / "lake")})


PLACES: dict[str, Callable[[int, Path], Any]] = {
    "postgres": on_postgres,
    "mariadb": on_mariadb,
    "sqlite": on_sqlite,
    "duckdb": on_duckdb,
    "clickhouse": on_clickhouse,
    "snowflake": on_snowflake,
    "unitycatalog": on_unitycatalog,
    "trino": on_trino,
    "hive": on_hive,
    "mongodb": on_mongodb,
    "deltalake": on_deltalake,
    "iceberg": on_iceberg,
    "datalake": on_datalake,
}


def main() -> None:
    """Run as a program."""
    flags = parser(__doc__.splitlines()[0], tables=500)
    flags.add_argument("--only", default="", help="some of them, with commas")
    told = flags.parse_args()
    facts, medians, failed = machine(), {}, False
    for name in told.only.split(",") if told.only else PLACES:
        say(f"{name} …")
        try:
            medians[name] = measured(name, told.tables, told.runs)
        except RayingestError as error:  # a server that is not here
            say(f"{name} is left out: {error}")
            failed = True
    table(
        f"{told.tables} tables of {COLUMNS} columns, one session, medians of {told.runs} runs; per table",
        ("", "statements", "CPU ms", "wall ms", "SQLAlchemy: statements", "CPU ms", "wall ms"),
        [[name, *_row(each)] for name, each in medians.items()],
    )
    result = {"tables": told.tables, "runs": told.runs, "medians": medians}
    finish("databases", facts, result, ok=not failed)


def _row(each: dict[str, Any]) -> list[Any]:
    keys = ("calls", "cpu_ms", "wall_ms", "sa_calls", "sa_cpu_ms", "sa_wall_ms")
    return [each.get(key, "-") for key in keys]


def measured(name: str, number: int, runs: int) -> dict[str, Any]:
    """Medians per table, ours and SQLAlchemy's, which alternate."""
    with (
        tempfile.TemporaryDirectory(prefix="rayingest-") as folder,
        PLACES[name](number, Path(folder)) as stocked,
    ):
        samples = []
        for _ in range(runs + 1):  # the first warms up
            sample = per_table(lambda: read(name, stocked.connection), number)
            if stocked.url is not None:
                theirs = per_table(lambda: reflect(stocked), number)
                sample |= {f"sa_{key}": value for key, value in theirs.items()}
            samples.append(sample)
        return dict(summary(samples[1:]))


def per_table(work: Callable[[], tuple[int, int]], number: int) -> dict[str, float]:
    """What `work` costs by table; it answers how many it found, and by how many calls."""
    wall, cpu = time.perf_counter(), time.process_time()
    found, calls = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if found != number:
        sys.exit(f"{found} of {number} tables arrived")
    return {
        "calls": calls / number,
        "cpu_ms": 1000 * cpu / number,
        "wall_ms": 1000 * wall / number,
    }


def read(name: str, config: dict[str, Any]) -> tuple[int, int]:
    """Discover and describe everything in a new session: tables with all columns, calls."""
    connector = registry.load(name)
    settings = Settings(
        "bench", connector.connection.model_validate(config), SimpleNamespace(), Filters()
    )
    context = connector.prepare(settings, None)
    most = connector.batching[EntityType.TABLE].max
    with connector.open(settings, context) as source:
        listed: list[EntityDescriptor] = []
        done = 0
        for item in discovered(connector, source):
            done += complete(item)
            if isinstance(item, EntityDescriptor):
                listed.append(item)
        for entity_type in connector.types:
            todo = [each for each in listed if each.type is entity_type]
            for start in range(0, len(todo), most):
                for answer in source.process_entities(todo[start : start + most]):
                    done += complete(answer)
        return done, int(getattr(source, "calls", 0))


def complete(answer: object) -> int:
    """How many whole tables an answer has."""
    entities = answer.entities if isinstance(answer, Described) else ()
    return sum(isinstance(each, Table) and len(each.columns) == COLUMNS for each in entities)


def reflect(stocked: Stocked) -> tuple[int, int]:
    """One table after the other by SQLAlchemy's inspector: tables, statements."""
    import sqlalchemy as sa

    engine, statements = sa.create_engine(stocked.url), 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    sa.event.listen(engine, "before_cursor_execute", count)
    look, found = sa.inspect(engine), 0
    for name in look.get_table_names(schema=stocked.schema):
        columns = look.get_columns(name, schema=stocked.schema)
        for what in ("pk_constraint", "unique_constraints", "foreign_keys", "table_comment"):
            with suppress(NotImplementedError):
                getattr(look, f"get_{what}")(name, schema=stocked.schema)
        found += len(columns) == COLUMNS
    engine.dispose()
    return found, statements


if __name__ == "__main__":
    os.environ.setdefault("NO_COLOR", "1")
    main()
