"""The story without Teradata: no server of it can be had, so that all is compiled."""

from rayingest.connectors.database.teradata import CONNECTOR, TERADATA

from ..duck import Documented

CONFIG = {
    "type": "Teradata",
    "username": "rayingest",
    "password": "canary-horse",
    "hostPort": "localhost:1025",
}
DOCUMENTED = Documented(
    "teradata", CONNECTOR, TERADATA, CONFIG, "Teradata's documented data dictionary"
)
bed = DOCUMENTED.bed
