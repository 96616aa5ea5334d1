"""The connector with DuckDB in the place of Vertica: its queries are answered by V_CATALOG as it is documented."""

from dataclasses import replace

from rayingest.connectors.database.vertica import CONNECTOR, VERTICA, databases
from rayingest.kit.sql.reflected.facts import reflected
from rayingest.kit.sql.reflected.session import Connect

CONFIG = {
    "type": "Vertica",
    "username": "rayingest",
    "password": "canary-horse",
    "hostPort": "localhost:5433",
    "database": "story",
}


def connector_of(path):
    def connect(settings):
        import sqlalchemy as sa

        return Connect(sa.URL.create("duckdb", database=str(path)), {"read_only": True})

    facts = replace(reflected(replace(VERTICA, connect=connect)), databases=databases)
    return replace(CONNECTOR, facts=facts)
