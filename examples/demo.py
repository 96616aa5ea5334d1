"""Fill a database with a shop, ingest it twice, and show what arrived.

    python3 dev.py demo [--tables 2000] [--folder .work/demo]

First on Ray into a SQLite catalogue, then by threads of this process into JSON lines. The database
is the PostgreSQL of a wheel, started for this program and thrown away; where it cannot run, a
SQLite file takes its place.
"""

import argparse
import os
import random
import shutil
import sqlite3
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import rayingest as ri
from rayingest.errors import MissingDriver, RayingestError
from rayingest.testing import postgres
from rayingest.testing.shop import shop

CONFIG = """\
source:
  type: {type}
  serviceName: shop
  serviceConnection:
    config: {connection}
  sourceConfig:
    config: {{type: DatabaseMetadata, includeOwners: true, includeDDL: true}}
sink: {sink}
workflowConfig:
  distributedExecution:
    enabled: true
    orchestrator: ray
    parallelism: 10
    stateUrl: {folder}/state
"""
QUERY = (
    "select table_type, count(*), sum(columns), sum(foreign_keys) "
    "from table_overview group by 1 order by 2 desc"
)


def main() -> int:
    """Run as a program."""
    arguments = parsed()
    folder = arguments.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with database(arguments.tables, folder) as (kind, connection):
        catalogue = f"{{type: sql, config: {{url: 'sqlite:///{folder}/catalogue.db'}}}}"
        files = f"{{type: file, config: {{path: '{folder}/files'}}}}"
        for engine, name, sink in (("ray", "sqlite", catalogue), ("local", "files", files)):
            path = folder / f"to-{name}.yaml"
            text = CONFIG.format(type=kind, connection=connection, sink=sink, folder=folder)
            path.write_text(text, "utf-8")
            if not ingested(path, engine):
                return 1
    show(folder)
    return 0


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tables", type=int, default=2000, help="tables in the shop (2000)")
    parser.add_argument("--folder", type=Path, default=Path(".work/demo"), help="where to write")
    return parser.parse_args()


def say(text: str = "") -> None:
    """Print a line at once."""
    print(text, flush=True)


# --- the source ---


@contextmanager
def database(tables: int, folder: Path) -> Generator[tuple[str, str]]:
    """A database with that many tables: the connector's name, its `serviceConnection.config`."""
    started = time.monotonic()
    with ExitStack() as stack:
        try:
            server = stack.enter_context(postgres.server())
        except (RayingestError, OSError, ImportError) as error:
            say(f"PostgreSQL does not run here ({error}); a SQLite file takes its place.")
            file = folder / "shop.db"
            fill(file, tables)
            found = ("sqlite", f"{{databaseMode: '{file}', database: shop}}")
        else:
            server.create("shop")
            with server.connect("shop") as connection:
                shop(tables).fill(connection)
            os.environ["SHOP_PASSWORD"] = server.password
            where = f"hostPort: '{server.host_port}', database: shop"
            who = f"username: {server.user}, authType: {{password: '${{SHOP_PASSWORD}}'}}"
            found = ("postgres", f"{{{where}, {who}}}")
        took = time.monotonic() - started
        say(f"A shop of {tables:,} tables in {found[0]}, made in {took:.1f} s.")
        yield found


def fill(file: Path, tables: int) -> None:
    """Make a small imitation of the shop in SQLite."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements(tables):
            connection.execute(statement)


def statements(tables: int) -> Iterator[str]:
    """One in ten is a view; every table but the first refers to an earlier one."""
    chance = random.Random(1)  # noqa: S311 - the same shop every time
    yield "create table t0 (id integer primary key, name text not null)"
    for number in range(1, tables):
        earlier = chance.randrange(number - number // 10)
        if number % 10 == 0:
            yield f"create view v{number} as select * from t{number - 1}"  # noqa: S608 - our own names
            continue
        columns = "".join(f", c{i} numeric(12, {i})" for i in range(chance.randint(4, 20)))
        parent = f"parent integer references t{earlier if earlier % 10 else 0}"
        yield f"create table t{number} (id integer primary key, {parent}{columns})"


# --- the runs ---


def ingested(config: Path, engine: str) -> bool:
    """Ingest what a config says on one engine, and print how that went."""
    say(f"\n{config.name}: {'local Ray' if engine == 'ray' else 'threads of this process'}")
    try:
        run = ri.load(config, flags={"engine": engine}).run()
    except MissingDriver as error:
        say(f"  left out: {error} {error.hint}")
        return True
    report = run.report
    tables = report.types.get("table", {}).get("ok", 0)
    total, start = report.seconds.total, report.seconds.startup
    after = max(total - start, 1e-3)
    say(f"  {report.verdict}")
    say(
        f"  {tables / total:,.0f} tables/s in all; {tables / after:,.0f} after a start of {start:.1f} s"
    )
    say(f"  {report.speed_up * total / after:.1f} times as fast as its calls one after the other")
    for failure in run.failures[:5]:
        say(f"  {failure!r}")
    return run.ok


# --- the result ---


def show(folder: Path) -> None:
    """Say where everything is, and ask the catalogue one question."""
    catalogue = folder / "catalogue.db"
    say("\nWhat arrived:")
    if catalogue.exists():
        with closing(sqlite3.connect(catalogue)) as connection:
            for kind, tables, columns, keys in connection.execute(QUERY):
                say(
                    f"  {kind:<16} {tables:>6,} tables {columns:>8,} columns {keys:>6,} foreign keys"
                )
        say(f"\nThe catalogue:   {catalogue}")
    say(f"The JSON lines:  {folder / 'files'}")
    say(f"The runs:        {folder / 'state'}")
    if catalogue.exists():
        say("\nAsk the catalogue something yourself:")
        say(f'  sqlite3 {catalogue} "{QUERY}"')


if __name__ == "__main__":
    sys.exit(main())
