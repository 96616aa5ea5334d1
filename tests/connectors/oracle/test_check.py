"""`rayingest check`: what an account may read, and the grant that mends the rest."""

import pytest

from rayingest.core.source import Capability

ID = ("ID", "NUMBER(10)")


@pytest.fixture
def hr(dictionary):
    dictionary.user("HR")
    dictionary.table("HR", "T", ID)
    dictionary.grant("HR", "T")
    return dictionary


def told(probe, **changes):
    return {each.capability: each for each in probe.connector.check(probe.settings(**changes))}


def test_all_is_well(hr, probe):
    lines = told(probe, options={"includeDDL": True})
    assert {each.status for each in lines.values()} == {"ok"}
    assert lines["connect"].why == "Oracle 19.3, user RAYINGEST, container FREEPDB1"
    assert lines["dictionary"].why.startswith("DBA_")
    assert set(lines) == {
        *("connect", "dictionary", "databases", "schemas", "tables", "views", "columns", "keys"),
        *("comments", "partitions", "procedures", "ddl"),
    }
    assert lines[Capability.VIEWS].why == "DBA_VIEWS is empty"


def test_who_may_not_read_the_dictionary_is_told_the_grant(hr, probe):
    hr.catalogue_role = False
    line = told(probe)["dictionary"]
    assert (line.status, line.grant) == ("warning", "GRANT SELECT_CATALOG_ROLE TO RAYINGEST;")
    assert "not listed" in line.why
    line = told(probe, useDBATable=False)["dictionary"]
    assert line.status == "ok"
    assert "useDBATable is false" in line.why


def test_the_root_of_a_container_database_is_no_place_to_read(hr, probe):
    hr.container = "CDB$ROOT"
    line = told(probe)["databases"]
    assert line.status == "warning"
    assert "pluggable" in line.grant


def test_metadata_that_travels_in_the_clear_is_told(hr, probe):
    assert "encryption" not in told(probe)
    line = told(probe, hostPort="db.example.com:1521")["encryption"]
    assert (line.status, line.grant) == ("warning", "Set connectionOptions.protocol: tcps.")


def test_ddl_that_is_denied_is_told_with_the_grant(hr, probe):
    hr.ddl_denied = {"T"}
    line = told(probe, options={"includeDDL": True})["ddl"]
    assert (line.status, line.grant) == ("denied", "GRANT SELECT_CATALOG_ROLE TO RAYINGEST;")
