"""The story without Vertica: no server of it can be had, so that all is compiled."""

from rayingest.connectors.database.vertica import CONNECTOR, VERTICA

from ..duck import Documented

CONFIG = {
    "type": "Vertica",
    "username": "rayingest",
    "password": "canary-horse",
    "hostPort": "localhost:5433",
    "database": "story",
}
DOCUMENTED = Documented("vertica", CONNECTOR, VERTICA, CONFIG, "Vertica's documented catalogue")
bed = DOCUMENTED.bed
