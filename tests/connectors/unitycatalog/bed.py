"""The story in minilake, an emulator of Databricks."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Capability, Grade
from rayingest.testing.servers import minilake

from ..beds import Bed, story

COMPILED = {
    Capability.VIEWS: "minilake lists views as tables, without their text",
    Capability.PARTITIONS: "minilake's columns have no partition_index",
    Capability.TAGS: "minilake's information schema is DuckDB's, which knows no tags",
}


@contextmanager
def on_minilake(kind):
    if why := minilake.ENVIRONMENT.available():
        pytest.skip(why)
    with minilake.server() as server:
        tell(server)
        connection = server.config(kind, catalog="shop")
        yield Bed(connection, f"minilake {minilake.VERSION}", Grade.EMULATED, COMPILED)


def bed(folder):
    return on_minilake("UnityCatalog")


def tell(server):
    """Comments are told over REST, keys by SQL: minilake's REST knows none, its SQL no comments."""
    server.make("catalogs", name="shop", comment="All that is sold")
    server.make("schemas", name="library", catalog_name="shop")
    within = {"catalog_name": "shop", "schema_name": "library"}
    columns = [
        {"name": "id", "type_text": "int"},
        {"name": "title", "type_text": "string", "comment": "As printed"},
        {"name": "author_id", "type_text": "int"},
        {"name": "isbn", "type_text": "string"},
        {"name": "price", "type_text": "decimal(8,2)"},
    ]
    server.make("tables", name="book", columns=columns, comment="All books", **within)
    twice = {"name": "twice", "routine_body": "SQL", "routine_definition": "x * 2", **within}
    twice["input_params"] = {"parameters": [{"name": "x", "type_text": "int", "position": 0}]}
    server.make("functions", function_info=twice)
    for statement in story("unitycatalog"):
        server.run(statement, "shop", "library")
