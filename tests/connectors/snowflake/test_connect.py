"""How Snowflake is reached, what `check` says, and what a user sees when something is wrong."""

import json
import threading
import time

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from rayingest.connectors.database.snowflake import CONNECTOR
from rayingest.core.source import ScopeListed
from rayingest.errors import ConfigError, Denied, TimedOut, Unauthorised, Unreachable
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, sort

TABLE = EntityType.TABLE
PHRASE = "canary-passphrase"


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, passphrase=None):
    how = serialization.NoEncryption()
    if passphrase:
        how = serialization.BestAvailableEncryption(passphrase.encode())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    return key.private_bytes(*form, how).decode()


@pytest.fixture(scope="module")
def small(make):
    return make("small", "create table t (i int)")


def closed(probe, **changes):
    with probe.open(**changes):
        pass


def test_what_is_said_at_a_login(small, server):
    closed(
        small,
        role="READER",
        warehouse="big",
        queryTag="nightly",
        clientSessionKeepAlive=True,
        call_timeout=7.0,
        connectionArguments={**server.address, "session_parameters": {"TIMEZONE": "UTC"}},
    )
    told = server.logins()[-1]
    session = told["SESSION_PARAMETERS"]
    assert "roleName=READER" in told["query"]
    assert "warehouse=big" in told["query"]
    assert told["LOGIN_NAME"] == "ada"
    wanted = {
        "QUERY_TAG": "nightly",
        "CLIENT_SESSION_KEEP_ALIVE": "true",
        "CLIENT_TELEMETRY_ENABLED": "false",
        "STATEMENT_TIMEOUT_IN_SECONDS": "7",
        "QUOTED_IDENTIFIERS_IGNORE_CASE": "false",
        "TIMEZONE": "UTC",
    }
    assert {key: str(session.get(key)).lower() for key in wanted} == {
        key: each.lower() for key, each in wanted.items()
    }


def test_no_telemetry_is_sent(small, server):
    small.entities(TABLE)
    assert not [each for each in server.paths if "telemetry" in each]


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("passphrase", [None, PHRASE])
def test_a_key_pair(small, server, key, passphrase, escaped):
    text = pem(key, passphrase)
    changes = {"privateKey": text.replace("\n", "\\n") if escaped else text, "password": None}
    if passphrase:
        changes["snowflakePrivatekeyPassphrase"] = passphrase
    closed(small, **changes)
    assert server.logins()[-1]["AUTHENTICATOR"] == "SNOWFLAKE_JWT"


@pytest.mark.parametrize("authenticator", ["OAUTH", "PROGRAMMATIC_ACCESS_TOKEN"])
def test_a_token(small, server, authenticator):
    token = {"authenticator": authenticator, "token": server.password}
    closed(small, password=None, connectionArguments={**server.address, **token})
    assert server.logins()[-1]["AUTHENTICATOR"] == authenticator
    wrong = {**server.address, **token, "token": "canary-token"}
    with pytest.raises(Unauthorised, match="does not accept") as raised:
        closed(small, password=None, connectionArguments=wrong)
    settings = small.settings(password=None, connectionArguments=wrong)
    assert "canary" not in str(raised.value) + repr(settings)


def test_nothing_to_sign_in_with(small):
    with pytest.raises(ConfigError, match="password"):
        closed(small, password=None)


def test_a_key_with_a_wrong_passphrase(small, key):
    secrets = {"privateKey": pem(key, PHRASE), "snowflakePrivatekeyPassphrase": "canary-wrong"}
    with pytest.raises(Unauthorised, match="does not accept") as raised:
        closed(small, **secrets)
    assert "passphrase" in raised.value.hint
    assert "canary" not in str(raised.value) + repr(small.settings(**secrets))


@pytest.mark.parametrize("authenticator", ["externalbrowser", "OAUTH_AUTHORIZATION_CODE"])
def test_no_browser_is_opened(small, server, authenticator):
    arguments = {**server.address, "authenticator": authenticator}
    with pytest.raises(ConfigError, match="browser") as raised:
        closed(small, connectionArguments=arguments)
    assert "PROGRAMMATIC_ACCESS_TOKEN" in raised.value.hint


def test_a_wrong_password(small):
    secret = {"password": "canary-9f"}
    with pytest.raises(Unauthorised, match="does not accept user 'ada'") as raised:
        closed(small, **secret)
    settings = small.settings(**secret)
    told = [raised.value, raised.value.hint, settings, *CONNECTOR.check(settings)]
    assert "canary-9f" not in repr(told) + str(told)
    assert str(raised.value).endswith("'ada': Incorrect username or password was specified.")


def test_nobody_answers(small, monkeypatch):
    monkeypatch.setattr("rayingest.kit.sql.snowflake.connect.LOGIN_SECONDS", 1)
    arguments = {"host": "127.0.0.1", "port": 1, "protocol": "http"}
    with pytest.raises(Unreachable, match="'test' does not answer"):
        closed(small, connectionArguments=arguments)


def test_a_database_that_is_not_there(account):
    with pytest.raises(Unreachable, match="no database 'nothing'") as raised:
        account.listing(database="nothing")
    assert raised.value.hint == 'GRANT USAGE ON DATABASE "NOTHING" TO ROLE <that of the user>;'


def test_a_database_that_went_is_no_empty_one(small):
    """Its listing raises; nothing says that it holds nothing."""
    (descriptor,) = small.descriptors(TABLE)
    with small.open() as source:
        told = []
        with pytest.raises(Denied, match="does not exist"):
            told.extend(source.discover_entities(EntityType.DATABASE_SCHEMA, "svc.WENT"))
        assert not [each for each in told if isinstance(each, ScopeListed)]
        with pytest.raises(Denied):
            sort(source.process_entities([msgspec.structs.replace(descriptor, batch="WENT")]))


def test_a_statement_that_takes_too_long_times_out(small, server, monkeypatch):
    with small.open(
        call_timeout=1.0, connectionArguments={**server.address, "query_timeout": 1}
    ) as source:
        server.wait(20)
        try:
            started = time.monotonic()
            with pytest.raises(TimedOut):
                list(source.discover_entities(EntityType.DATABASE))
            assert time.monotonic() - started < 5
        finally:
            server.wait(0)
        assert list(source.discover_entities(EntityType.DATABASE))


def test_a_cancel_asks_over_a_connection_of_its_own(small, server):
    """While a statement runs. fakesnow knows no system function: that somebody asks is what is seen."""
    with small.open() as source:
        before = len(server.logins())
        server.wait(60)
        running = threading.Thread(
            target=lambda: list(source.discover_entities(EntityType.DATABASE))
        )
        try:
            running.start()
            deadline = time.monotonic() + 30
            while not source._busy and time.monotonic() < deadline:
                time.sleep(0.01)
            started = time.monotonic()
            source.cancel()
            assert time.monotonic() - started < 5
            while len(server.logins()) == before and time.monotonic() < deadline:
                time.sleep(0.01)
            assert len(server.logins()) == before + 1
            assert running.is_alive()
        finally:
            server.wait(0)
            running.join(30)
        for thread in threading.enumerate():
            if thread.name == "snowflake-cancel":
                thread.join(10)
        assert list(source.discover_entities(EntityType.DATABASE))


@pytest.mark.parametrize("text", ["it's", "a\\b", "\\'", "100%s", "'' or 1 = 1 --", "Ünï\n"])
def test_values_come_into_statements_as_they_are(small, text):
    with small.open() as source, source._session("") as session:
        assert session.rows("select %s as a, 1 as b", [text]) == [(text, 1)]
        assert session.rows("select 1 as a where %s in (%s)", [text, ["x", text]]) == [(1,)]


def test_check(small):
    lines = {
        each.capability: each
        for each in CONNECTOR.check(
            small.settings(
                options={"includeTags": True, "includeDDL": True}, includeStages=True, role="READER"
            )
        )
    }
    assert lines["connect"].why.startswith("Snowflake 10.0.0, user")
    assert lines["databases"].why == "1; what follows is about SMALL"
    assert lines["columns"].status == lines["keys"].status == lines["views"].status == "ok"
    assert lines["ddl"].status == "denied"
    assert lines["tags"].status == "denied"
    assert lines["tags"].grant.startswith("GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE")
    missing = [*CONNECTOR.check(small.settings(database="nothing"))][-1]
    assert (missing.capability, missing.status) == ("databases", "failed")


@pytest.mark.parametrize("schema", ["A.B.C", "A B", "A;drop", 'A."B"', ""])
def test_the_schema_of_usage_is_a_name(server, schema):
    with pytest.raises(ValueError, match="accountUsageSchema"):
        Probe(CONNECTOR, server.config(accountUsageSchema=schema)).settings()


def test_openmetadatas_yaml_works_unchanged(contracts):
    """Every field of its model is accepted; those that only newer servers have, too."""
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / "snowflakeConnection.json").read_text())
    model = CONNECTOR.connection
    assert set(schema["properties"]) <= set(model.model_fields)
    assert set(schema["required"]) <= {
        name for name, field in model.model_fields.items() if field.is_required()
    }
    given = {
        name: each["default"] for name, each in schema["properties"].items() if "default" in each
    }
    newer = {"useAccessHistory": True, "policyAgentConfig": {"enabled": True}}
    required = dict.fromkeys(schema["required"], "x")
    assert model.model_validate({**given, **newer, **required}).includeTransientTables
