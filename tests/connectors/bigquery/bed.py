"""The story in bqemulator, and what of BigQuery it cannot show."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Capability, Grade
from rayingest.testing.servers import bigquery

from ..beds import Bed, story

COMPILED = {
    Capability.KEYS: "the emulator has no view of keys, and takes no statement with a key",
    Capability.COMMENTS: "the emulator has no COLUMN_FIELD_PATHS, where columns are described",
    Capability.PROCEDURES: "the emulator's ROUTINES.ddl leaves out the bodies",
    Capability.DDL: "the emulator's TABLES has no column ddl",
}


@contextmanager
def bed(folder):
    pytest.importorskip("google.cloud.bigquery")
    if why := bigquery.ENVIRONMENT.available():
        pytest.skip(why)
    with bigquery.server() as server:
        server.run(*story("bigquery"))
        client = server.client()
        book = client.get_table("library.book")
        book.labels = {"team": "library"}  # it takes no labels in SQL
        client.update_table(book, ["labels"])
        client.close()
        yield Bed(
            server.config(),
            f"bqemulator {bigquery.VERSION}",
            Grade.EMULATED,
            compiled=COMPILED,
        )
