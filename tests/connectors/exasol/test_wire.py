# ruff: noqa: S106, S608 - no password and no SQL of anybody's
"""Exasol's own client over a socket: sign-in, values, errors, a cut."""

import pytest

from rayingest.connectors.database.exasol import CONNECTOR, EXASOL
from rayingest.errors import SessionLost, Unauthorised
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from ..beds import story
from ..duck import fill, over_duckdb
from .bed import CONFIG
from .server import serving

pytest.importorskip("pyexasol")
HOSTILE = ["plain", "quo'te", ":names_1", "%s", "%(x)s", "?", "back\\slash", "a--b", 'do"t.', "ünï"]
PASSWORD = CONFIG["password"]


def probe(port, **changes):
    config = {**CONFIG, "hostPort": f"127.0.0.1:{port}", "tls": "disable-tls", **changes}
    return Probe(CONNECTOR, config)


@pytest.fixture
def told(tmp_path):
    path = tmp_path / "story.duckdb"
    fill(path, story("exasol"))
    return path


def test_the_story_is_told_over_the_wire(told):
    with serving(told, PASSWORD) as port:
        tables = probe(port).entities(EntityType.TABLE)
    without = Probe(over_duckdb(CONNECTOR, EXASOL, told), CONFIG).entities(EntityType.TABLE)
    assert tables == without
    assert tables["svc.default.LIBRARY.BOOK"].columns[1].constraint == "NOT_NULL"


def test_a_wrong_password_is_told_and_not_shown(told):
    with (
        serving(told, PASSWORD) as port,
        pytest.raises(Unauthorised, match="exasol does not accept the credentials") as caught,
        probe(port, password="canary-mule").open(),
    ):
        pass
    assert "canary" not in str(caught.value)


def test_hostile_names_come_back_as_they_are(told):
    rows = [each.replace("'", "''") for each in HOSTILE]
    fill(
        told,
        [
            f"insert into sys.exa_all_tables (table_schema, table_name) values ('LIBRARY', '{each}')"
            for each in rows
        ]
        + [
            "insert into sys.exa_all_columns (column_schema, column_table, column_ordinal_position, column_name,"
            f" column_type) values ('LIBRARY', '{each}', 1, '{each}', 'DATE')"
            for each in rows
        ],
    )
    with serving(told, PASSWORD) as port:
        tables = probe(port).entities(EntityType.TABLE)
        probe(port).agree(EntityType.TABLE)
    found = {each.name: each.columns[0].name for each in tables.values()}
    assert {name: found[name] for name in HOSTILE} == {name: name for name in HOSTILE}


def test_a_cut_in_the_middle_is_a_lost_session(told):
    with serving(told, PASSWORD, cuts="exa_all_columns") as port, probe(port).open() as source:
        descriptors = probe(port).descriptors(EntityType.TABLE)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - the driver's, which the connector explains
            list(source.process_entities(descriptors))
    known = CONNECTOR.facts.classify(caught.value) or caught.value
    assert isinstance(known, SessionLost)
