"""The story without Oracle: no server and no emulator of it can be had, so that all is compiled."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from rayingest.connectors.database.oracle import CONNECTOR
from rayingest.core.source import Grade
from rayingest.kit.sql.oracle.connect import DATABASE, prepare
from rayingest.kit.sql.oracle.session import OracleSession

from ..beds import Bed
from .dictionary import Dictionary
from .story import tell

CONFIG = {
    "type": "Oracle",
    "username": "rayingest",
    "password": "canary-tiger",
    "hostPort": "localhost:1521",
    "oracleConnectionType": {"oracleServiceName": "FREEPDB1"},
}
SERVER = "Oracle's documented dictionary, in DuckDB"


def connector_of(dictionary, version=(19, 3)):
    """The connector, with a dictionary in the place of the driver's connection."""

    def connect(settings, database):
        config = settings.connection
        name = config.databaseName or DATABASE
        session = OracleSession(dictionary, database=name, config=config, version=version)
        prepare(session)
        return session

    return replace(CONNECTOR, facts=replace(CONNECTOR.facts, connect=connect))


@contextmanager
def bed(folder):
    pytest.importorskip("oracledb")
    dictionary = Dictionary(pytest.importorskip("duckdb"))
    tell(dictionary)
    yield Bed(CONFIG, SERVER, Grade.COMPILED, connector=connector_of(dictionary))
