"""A shop in SQLite and the config of its DAGs."""

import sqlite3
from contextlib import closing
from pathlib import Path

CONFIG = """\
source:
  type: sqlite
  serviceName: shop
  serviceConnection: {{config: {{type: SQLite, databaseMode: {folder}/shop.db}}}}
  sourceConfig: {{config: {{type: DatabaseMetadata}}}}
sink: {{type: file, config: {{path: {folder}/out}}}}
workflowConfig:
  distributedExecution: {{enabled: true, orchestrator: {orchestrator}, k8s: {{backoffLimit: 0}}}}
"""


def shop(config: Path, *tables: str, orchestrator: str = "airflow") -> Path:
    """Write a config, and beside it a database with these tables; what is written goes to `out` there."""
    folder = config.parent
    config.write_text(CONFIG.format(folder=folder, orchestrator=orchestrator))
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        for each in tables:
            connection.execute(f'create table "{each}" (id integer primary key)')
    return config


def break_a_view(config: Path, *, beside: int = 0) -> None:
    """A view of a table that is not there; so many more tables make its part of the whole a small one."""
    with closing(sqlite3.connect(config.parent / "shop.db")) as connection:
        for number in range(beside):
            connection.execute(f"create table more_{number} (id integer)")
        connection.execute("create view broken as select * from gone")
