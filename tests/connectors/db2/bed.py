"""The story without Db2: no server of it can be had, so that all is compiled."""

from rayingest.connectors.database.db2 import CONNECTOR, DB2

from ..duck import Documented

CONFIG = {
    "type": "Db2",
    "username": "rayingest",
    "password": "canary-horse",
    "hostPort": "localhost:50000",
    "database": "story",
}
DOCUMENTED = Documented("db2", CONNECTOR, DB2, CONFIG, "Db2's documented catalogue")
bed = DOCUMENTED.bed
