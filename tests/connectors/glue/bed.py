"""The story in Glue's catalogue, as Spark, Athena and Iceberg write it."""

from contextlib import contextmanager

from rayingest.core.source import Grade

from ..aws import server_name, serving
from ..beds import Bed
from ..glue_tables import tell


@contextmanager
def bed(folder):
    with serving() as aws:
        tell(aws.client("glue"))
        yield Bed({"type": "Glue", "awsConfig": aws.config()}, server_name(), Grade.EMULATED)
