"""The story in a Spark Thrift Server, which speaks Impala's protocol; Impala itself runs nowhere here."""

from contextlib import contextmanager

from rayingest.core.source import Capability, Grade

from ..beds import Bed
from ..hive.bed import bed as hive_bed

NO_KEYS = (
    "Spark has no keys: hive/test_formatted.py reads the words that Impala and Hive have for them"
)
NO_NULLS = "Spark's DESCRIBE tells no NOT NULL: hive/test_formatted.py reads Hive's words for it"


@contextmanager
def bed(folder):
    with hive_bed(folder, "Impala") as made:
        compiled = {Capability.KEYS: NO_KEYS, Capability.COLUMNS: NO_NULLS}
        server = f"{made.server} for the protocol, Impala's documentation for its words"
        yield Bed(made.connection, server, Grade.CONTRACT, compiled, made.spelled)
