"""How a connection is asked for: OpenMetadata's fields, words of ODBC, addresses; what goes wrong there."""

import json
import socket
from types import SimpleNamespace

import pytest

from rayingest.connectors.database import azuresql, mssql, synapse
from rayingest.core import registry
from rayingest.errors import ConfigError, MissingDriver, Unreachable
from rayingest.kit.sql.mssql.dial import dialling
from rayingest.kit.sql.mssql.options import Address, given
from rayingest.model import EntityType
from rayingest.testing.processes import free_port

CONNECTORS = {"mssql": mssql, "azureSQL": azuresql, "synapse": synapse}


def opened(probe, **changes):
    with probe.open(**changes) as source:
        return source.calls


@pytest.mark.parametrize("name", CONNECTORS)
def test_openmetadatas_yaml_works_unchanged(contracts, name):
    """Every field of its model is accepted, each scheme, and all defaults."""
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / f"{name}Connection.json").read_text())
    model = CONNECTORS[name].CONNECTOR.connection
    assert set(schema["properties"]) <= set(model.model_fields)
    required = {key for key, field in model.model_fields.items() if field.is_required()}
    assert set(schema["required"]) == required
    defaults = {k: v["default"] for k, v in schema["properties"].items() if "default" in v}
    some = {**defaults, **dict.fromkeys(schema["required"], "x")}
    for scheme in next(v["enum"] for k, v in schema["definitions"].items() if "Scheme" in k):
        assert model.model_validate({**some, "scheme": scheme}).database == "x"
    mode = schema["properties"].get("authenticationMode", {}).get("properties", {})
    for way in mode.get("authentication", {}).get("enum", ()):
        told = {"authentication": way, "encrypt": True, "trustServerCertificate": False}
        made = model.model_validate({**some, "authenticationMode": told})
        assert made.authenticationMode.connectionTimeout == mode["connectionTimeout"]["default"]


def test_what_is_given_by_each_service():
    """SQL Server's default is OpenMetadata's; Azure takes encrypted connections alone."""

    def encryption(connector, **fields):
        config = {"hostPort": "h", "database": "d", "username": "u", **fields}
        return given(connector.CONNECTOR.connection.model_validate(config)).encryption[:2]

    assert encryption(mssql) == (False, False)
    assert encryption(mssql, encrypt=True) == (True, True)
    assert encryption(mssql, sslConfig={"caCertificate": "x"}) == (True, True)
    assert encryption(mssql, encrypt=True, trustServerCertificate=True) == (True, False)
    assert encryption(azuresql) == encryption(synapse) == (True, True)
    trusting = {"trustServerCertificate": True, "encrypt": False}
    assert encryption(azuresql, authenticationMode=trusting) == (True, False)


@pytest.mark.parametrize(("said", "seconds"), [({}, 7), ({"login_timeout": 3}, 3)])
def test_how_long_a_sign_in_to_azure_may_take(said, seconds):
    mode = {"connectionTimeout": 7}
    config = azuresql.AzureSqlConnection(
        hostPort="h", database="d", username="u", authenticationMode=mode, connectionArguments=said
    )
    assert given(config).more == {"login_timeout": seconds}


def test_words_of_odbc_are_understood():
    options = {"Encrypt": "yes", "TrustServerCertificate": "yes", "ApplicationIntent": "ReadOnly"}
    more = {"Connection Timeout": "7", "driver": "ODBC Driver 18", "appname": "x"}
    config = mssql.MssqlConnection(database="d", connectionOptions={**options, **more})
    told = given(config)
    assert told.encryption[:2] == (True, False)
    assert told.more == {"readonly": True, "login_timeout": 7, "appname": "x"}
    with pytest.raises(ConfigError, match=r"connectionOptions.Encrypt: 'maybe'"):
        given(mssql.MssqlConnection(database="d", connectionOptions={"Encrypt": "maybe"}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db", ("db", 1433)),
        ("db:1500", ("db", 1500)),
        ("db\\TWO", ("db\\TWO", None)),
        ("[::1]:1500", ("::1", 1500)),
    ],
)
def test_addresses(text, expected):
    assert Address.of(text) == expected
    assert Address.of(text).machine == expected[0].partition("\\")[0]


def test_a_host_that_is_down(plain):
    """It is told at once: the driver alone would try for fifteen seconds."""
    with pytest.raises(Unreachable, match="does not answer: Connection refused") as caught:
        opened(plain, hostPort=f"127.0.0.1:{free_port()}")
    assert "hostPort" in caught.value.hint


def test_something_else_at_the_address(plain):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(Unreachable, match="does not answer"):
            opened(plain, hostPort=f"127.0.0.1:{port}", connectionArguments={"login_timeout": 0.2})


def test_an_argument_that_the_driver_has_not(plain):
    with pytest.raises(ConfigError, match="nonsense") as caught:
        opened(plain, connectionArguments={"nonsense": 1})
    assert "pytds.connect" in caught.value.hint


def test_a_server_that_is_too_old_is_told(plain, server):
    version = "cast(serverproperty('ProductVersion') as nvarchar(128))"
    server.behave(instead={version: "'10.50.6000'"})
    with pytest.raises(ConfigError, match=r"version 10\.50\.6000") as caught:
        opened(plain)
    assert "2012" in caught.value.hint


@pytest.mark.parametrize("package", ["pytds", "OpenSSL.SSL"])
def test_without_the_driver_that_is_said(plain, monkeypatch, package):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingDriver) as caught:
        opened(plain)
    assert "rayingest[mssql]" in caught.value.hint


def test_a_driver_that_works_otherwise_is_refused():
    """Else its own context would be taken, and the server not be verified as the config says."""
    other = SimpleNamespace(connect=lambda dsn=None: dsn)
    with pytest.raises(ConfigError, match="not known"):
        dialling(other, object())


@pytest.mark.parametrize("name", ["mssql", "azuresql", "synapse"])
def test_each_has_its_lineage(name):
    assert registry.load(f"{name}-lineage").types == (EntityType.TABLE,)
