"""The story in bqemulator, and what of BigQuery it cannot show."""

from contextlib import contextmanager

import pytest

from rayingest.core.source import Grade
from rayingest.testing.servers import bigquery

from ..beds import Bed, story
from .views import COMPILED


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
