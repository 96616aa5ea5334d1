"""The connector with a dictionary in the place of the driver's connection."""

from dataclasses import replace

from rayingest.connectors.database.oracle import CONNECTOR
from rayingest.kit.sql.oracle.connect import DATABASE, prepare
from rayingest.kit.sql.oracle.session import OracleSession

CONFIG = {
    "type": "Oracle",
    "username": "rayingest",
    "password": "canary-tiger",
    "hostPort": "localhost:1521",
    "oracleConnectionType": {"oracleServiceName": "FREEPDB1"},
}


def connector_of(dictionary, version=(19, 3)):
    """All but its `connect`: what is asked first in a session is asked here, too."""

    def connect(settings, database):
        config = settings.connection
        name = config.databaseName or DATABASE
        session = OracleSession(dictionary, database=name, config=config, version=version)
        prepare(session)
        return session

    return replace(CONNECTOR, facts=replace(CONNECTOR.facts, connect=connect))
