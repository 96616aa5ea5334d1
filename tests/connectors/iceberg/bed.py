"""The story in a SQL catalogue on SQLite, made by pyiceberg: the format's own library for Python."""

from contextlib import contextmanager
from importlib.metadata import version

from rayingest.core.source import Capability, Grade

from ..beds import Bed
from .story import catalogue, config, tell

VIEWS = "a SQL catalogue has no views; those of REST are read from a server of ours, in a test"


@contextmanager
def bed(folder):
    made = catalogue(folder / "warehouse")
    tell(made)
    made.close()
    yield Bed(
        {"type": "CustomDatabase", **config(folder / "warehouse")},
        f"pyiceberg {version('pyiceberg')}: a SQL catalogue; Glue and DynamoDB on moto",
        Grade.EMULATED,  # SQL alone would be certified; REST and Hive are servers of ours
        compiled={Capability.VIEWS: VIEWS},
        spelled={str(folder / "warehouse"): "/warehouse"},
    )
