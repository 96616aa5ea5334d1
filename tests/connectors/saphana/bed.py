"""The story without SAP HANA: no server of it can be had, so that all is compiled."""

from rayingest.connectors.database.saphana import CONNECTOR, SAPHANA

from ..duck import Documented

CONFIG = {
    "type": "SapHana",
    "connection": {
        "hostPort": "localhost:30015",
        "username": "rayingest",
        "password": "canary-horse",
        "database": "story",
    },
}
DOCUMENTED = Documented("saphana", CONNECTOR, SAPHANA, CONFIG, "SAP HANA's documented system views")
bed = DOCUMENTED.bed
