"""The story without Exasol: no server of it can be had, so that all is compiled."""

from rayingest.connectors.database.exasol import CONNECTOR, EXASOL

from ..duck import Documented

CONFIG = {
    "type": "Exasol",
    "username": "rayingest",
    "password": "canary-horse",
    "hostPort": "localhost:8563",
}
DOCUMENTED = Documented("exasol", CONNECTOR, EXASOL, CONFIG, "Exasol's documented system tables")
bed = DOCUMENTED.bed
