"""A connector of the generic tier with DuckDB in its database's place: its queries meet the documented catalogue."""

from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from rayingest.core.source import Grade
from rayingest.kit.sql.reflected.facts import reflected
from rayingest.kit.sql.reflected.session import Connect
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

FACETS = ["schemas", "members", "columns", "keys", "comments", "definitions"]
HOSTILE = [
    "plain",
    "quo'te",
    ":names_1",
    ":schema",
    "%s",
    "%(x)s",
    "?",
    "back\\slash",
    "a--b",
    "ünï",
]


def over_duckdb(connector, how, path):
    """All of a connector but its `connect`."""

    def connect(settings):
        import sqlalchemy as sa

        return Connect(sa.URL.create("duckdb", database=str(path)), {"read_only": True})

    facts = replace(connector.facts, connect=reflected(replace(how, connect=connect)).connect)
    return replace(connector, facts=facts)


def fill(path, statements):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(str(path)) as connection:
        for each in statements:
            connection.execute(each)


@dataclass(frozen=True)
class Documented:
    """A database of which there is but the documentation of its catalogue: the story's first statements."""

    name: str
    connector: object
    how: object
    config: dict
    catalogue: str

    @contextmanager
    def bed(self, folder):
        from .beds import Bed, story  # which imports us, for the beds that are made here

        path = folder / "story.duckdb"
        fill(path, story(self.name))
        server = f"{self.catalogue}, in DuckDB"
        connector = over_duckdb(self.connector, self.how, path)
        yield Bed(self.config, server, Grade.COMPILED, connector=connector)

    def probe(self, path, *statements):
        """Over an empty catalogue, filled by these statements."""
        from .beds import story

        empty = [each for each in story(self.name) if "create " in each]
        fill(path, [*empty, *statements])
        return Probe(over_duckdb(self.connector, self.how, path), self.config)

    def counted(self, path, many, *statements):
        """Statements for describing so many tables of one column, which `statements` make."""
        probe = self.probe(path, *statements)
        descriptors = probe.descriptors(EntityType.TABLE)
        with probe.open() as source:
            before = source.calls
            assert len(list(source.process_entities(descriptors))) == many
            return source.calls - before

    def hostile(self, facet):
        """A query about hostile names as it goes to the driver: its paramstyle, its text, its values."""
        import sqlalchemy as sa

        how = self.how.connect(Probe(self.connector, self.config).settings())
        style = {"paramstyle": how.paramstyle} if how.paramstyle else {}
        dialect = sa.create_engine(how.url, **style).dialect
        query = getattr(self.how, facet).query
        lists = [sa.bindparam("names", HOSTILE, expanding=True)] if ":names" in query else []
        one = {"schema": ":names_2"} if ":schema" in query else {}
        made = sa.text(query).bindparams(*lists, **one)
        made = made.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        values = tuple(made.params[name] for name in made.positiontup or ())
        assert {*values} == {*one.values(), *(HOSTILE if lists else [])}
        return dialect.paramstyle, made.string, values
