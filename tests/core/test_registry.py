"""Connectors are files: found by listing a folder, imported one at a time."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from rayingest.core import registry
from rayingest.core.source import Capability
from rayingest.errors import ConfigError, UnknownConnector
from rayingest.model import EntityType

DRIVERS = (
    "boto3",
    "botocore",
    "bson",
    "clickhouse_driver",
    "deltalake",
    "duckdb",
    "fastavro",
    "google",
    "hdbcli",
    "ibm_db",
    "impala",
    "OpenSSL",
    "oracledb",
    "psycopg",
    "pyarrow",
    "pyiceberg",
    "pymongo",
    "pyexasol",
    "pymysql",
    "pytds",
    "ray",
    "redshift_connector",
    "snowflake",
    "spnego",
    "sqlalchemy",
    "teradatasql",
    "thrift",
    "thrift_sasl",
    "vertica_python",
)


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_listing_imports_no_connector():
    loaded = run(
        "import sys; from rayingest.core import registry; registry.locations();"
        "print(*[m for m in sys.modules if m.startswith('rayingest.connectors.')])"
    )
    assert loaded == []


def test_loading_every_connector_imports_no_driver():
    loaded = run(
        "import sys; from rayingest.core import registry\n"
        "for name in registry.locations(): registry.load(name)\n"
        "print(*sys.modules)"
    )
    assert not set(DRIVERS) & set(loaded)


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownConnector, match="Did you mean 'postgres'") as caught:
        registry.load("postgress")
    assert "rayingest connectors" in caught.value.hint


def test_two_connectors_of_one_name_are_refused(monkeypatch):
    twin = EntryPoint("postgres", "elsewhere:CONNECTOR", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [twin])
    registry.locations.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"Two connectors are called 'postgres'.*elsewhere"):
            registry.locations()
    finally:
        monkeypatch.undo()
        registry.locations.cache_clear()


def test_a_new_file_is_a_new_connector(tmp_path):
    """Nothing else is edited: a second place on the package's path is enough."""
    (tmp_path / "database").mkdir()
    (tmp_path / "database" / "brandnew.py").write_text("CONNECTOR = 'brand new'\n")
    found = run(
        "import rayingest.connectors as c, rayingest.connectors.database as d;"
        f"c.__path__.append({str(tmp_path)!r}); d.__path__.append({str(tmp_path / 'database')!r});"
        "from rayingest.core import registry;"
        "registry.locations.cache_clear(); print(registry.load('brandnew'))"
    )
    assert found == ["brand", "new"]


@pytest.mark.parametrize("name", sorted(registry.locations()))
def test_a_connector_is_a_consistent_value(name):
    connector = registry.load(name)
    assert connector.family == registry.family(name)
    assert set(connector.dependencies) <= set(connector.types)
    assert set(connector.listed_by) <= set(connector.types)
    order = {each: at for at, each in enumerate(connector.types)}
    assert all(order[parent] < order[child] for child, parent in connector.dependencies.items())
    assert not connector.capabilities & set(connector.lacks)
    assert all(connector.lacks.values())
    assert connector.max_connections >= 2
    assert all(bounds.min <= bounds.max for bounds in connector.batching.values())
    with pytest.raises(AttributeError):
        connector.extra = "changed"


@pytest.mark.parametrize(
    "text", ["TABLE", "tables", "stored_procedure", "storedProcedure", "datamodel"]
)
def test_entity_types_are_accepted_in_both_spellings(text):
    assert EntityType.parse(text) in EntityType


def test_an_unknown_entity_type_lists_the_known_ones():
    with pytest.raises(ValueError, match="Known: databaseService, "):
        EntityType.parse("tabel")


def test_capabilities_have_the_names_that_reports_use():
    assert {"columns", "keys", "owners", "incremental"} <= {each.value for each in Capability}
