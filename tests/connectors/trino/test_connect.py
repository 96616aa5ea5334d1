"""Who signs in, how, and what goes with each statement."""

import json

import pytest

from rayingest.connectors.database import presto, trino
from rayingest.connectors.database.trino import CONNECTOR
from rayingest.errors import ConfigError, Denied, Permanent, Unauthorised, Unreachable
from rayingest.kit.sql.trino.connect import Address
from rayingest.kit.sql.trino.http import Http
from rayingest.kit.sql.trino.statements import Statements
from rayingest.model import EntityType
from rayingest.testing.trino import Cluster, Refusal

from ..beds import story

HTTP = {"http_scheme": "http"}


@pytest.fixture
def closed(start):
    """A cluster that lets in ada by her password, and whoever shows a token."""
    cluster = Cluster(passwords={"ada": "pass-9f: é", "service": "s-9f"}, tokens={"token-9f"})
    cluster.run(*story("trino"))
    return start(cluster, connectionArguments=HTTP)


@pytest.mark.parametrize(
    "changes",
    [
        {"authType": {"password": "pass-9f: é"}},
        {"authType": {"jwt": "token-9f"}},
        {"connectionOptions": {"access_token": "token-9f"}},
    ],
)
def test_who_shows_the_right_thing_is_let_in(closed, changes):
    assert closed.probe.descriptors(EntityType.TABLE, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"authType": {"password": "canary-9f"}},
        {"authType": {"jwt": "canary-9f"}},
        {"username": "nobody", "authType": {"password": "canary-9f"}},
    ],
)
def test_who_shows_the_wrong_thing_is_told_so(closed, changes):
    with pytest.raises(Unauthorised, match=r"does not accept user '(ada|nobody)'") as raised:
        closed.probe.open(**changes).__enter__()
    settings = closed.probe.settings(**changes)
    told = [raised.value, raised.value.hint, settings, *CONNECTOR.check(settings)]
    assert "canary-9f" not in repr(told) + str(told)


def test_a_token_that_ran_out_is_asked_for_anew(closed):
    tokens = iter(["first-9f", "second-9f", "second-9f"])
    closed.cluster.tokens = {"first-9f"}
    http = Http(
        f"http://{closed.address}",
        user="ada",
        login=lambda: {"Authorization": f"Bearer {next(tokens)}"},
        seconds=10,
        connect=10,
    )
    statements = Statements(http, {"X-Trino-User": "ada"}, 10)
    assert statements.rows("show catalogs")
    closed.cluster.tokens = {"second-9f"}
    assert statements.rows("show catalogs")
    closed.cluster.tokens = set()
    with pytest.raises(Unauthorised):
        statements.rows("show catalogs")
    http.close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"authType": "OAuth2"}, "a person at a browser"),
        ({"connectionOptions": {"externalAuthentication": "true"}}, "a person at a browser"),
        ({"authType": {"azureConfig": {"clientId": "c"}}}, "has no scopes"),
        ({"connectionArguments": {"colour": "red"}}, "'colour' is not known"),
        ({"proxies": {"http": "gopher://x"}}, "proxies: "),
        ({"connectionArguments": {"http_scheme": "gopher"}}, "http_scheme cannot be read"),
        ({"connectionOptions": {"session_properties": "no json"}}, "session_properties cannot be read"),
        ({"verify": "/nowhere/at/all.pem", "authType": {"password": "x"}, "connectionArguments": {}}, "verify, "),
    ],
)  # fmt: skip
def test_what_cannot_work_is_a_matter_of_the_config(closed, changes, said):
    with pytest.raises(ConfigError, match=said) as raised:
        closed.probe.open(**changes).__enter__()
    assert raised.value.hint


def test_what_the_user_says_goes_with_each_statement(closed):
    arguments = {
        **HTTP,
        "source": "nightly",
        "timezone": "Europe/Zurich",
        "session_properties": {"query_max_run_time": "2m", "lake.x": True},
        "roles": {"lake": "reader", "system": "ALL"},
        "client_tags": ["a", "b"],
        "extra_credential": [["s3", "key =9f"]],
        "http_headers": {"X-Team": "library"},
    }
    closed.probe.descriptors(
        EntityType.DATABASE, connectionArguments=arguments, authType={"jwt": "token-9f"}
    )
    sent = closed.cluster.headers[-1]
    assert sent["x-trino-user"] == "ada"
    assert sent["x-trino-source"] == "nightly"
    assert sent["x-trino-time-zone"] == "Europe/Zurich"
    assert sent["x-trino-session"] == "query_max_run_time=2m,lake.x=true"
    assert sent["x-trino-role"] == "lake=ROLE%7Breader%7D,system=ALL"
    assert sent["x-trino-client-tags"] == "a,b"
    assert sent["x-trino-extra-credential"] == "s3=key+%3D9f"
    assert sent["x-team"] == "library"


def test_options_of_a_url_are_text_and_mean_the_same(closed):
    options = {
        "session_properties": '{"a": 1}',
        "roles": "admin",
        "client_tags": "a, b",
        "legacy_primitive_types": "true",
    }
    closed.probe.descriptors(
        EntityType.DATABASE, connectionOptions=options, authType={"jwt": "token-9f"}
    )
    sent = closed.cluster.headers[-1]
    assert sent["x-trino-session"] == "a=1"
    assert sent["x-trino-role"] == "system=ROLE%7Badmin%7D"
    assert sent["x-trino-client-tags"] == "a,b"
    assert sent["x-trino-source"] == "rayingest"


def test_one_may_sign_in_and_ask_as_another_where_a_rule_allows_it(closed):
    given = {
        "username": "service",
        "authType": {"password": "s-9f"},
        "connectionArguments": {**HTTP, "user": "ada"},
    }
    with pytest.raises(Unauthorised, match="cannot impersonate") as raised:
        closed.probe.open(**given).__enter__()
    assert "rule of the cluster" in raised.value.hint
    closed.cluster.impersonators = {"service"}
    assert closed.probe.descriptors(EntityType.TABLE, **given)
    assert closed.cluster.headers[-1]["x-trino-user"] == "ada"


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"hostPort": "h"}, "http://h:8080"),
        ({"hostPort": "h:443"}, "https://h:443"),
        ({"hostPort": "h:8443"}, "https://h:8443"),
        ({"hostPort": "[::1]:8081"}, "http://[::1]:8081"),
        ({"hostPort": "h", "authType": {"password": "x"}}, "https://h:443"),
        ({"hostPort": "h:8080", "authType": {"jwt": "x"}}, "https://h:8080"),
        ({"hostPort": "h:8080", "authType": {"jwt": "x"}, "connectionArguments": HTTP}, "http://h:8080"),
        ({"hostPort": "h:1", "connectionOptions": {"http_scheme": "https"}}, "https://h:1"),
    ],
)  # fmt: skip
def test_no_secret_goes_unencrypted_unless_the_user_says_so(changes, url):
    config = CONNECTOR.connection.model_validate({"username": "u", **changes})
    assert Address.of(config).url == url


@pytest.mark.parametrize(
    ("proxies", "proxy"),
    [
        ({"https": "http://p:1", "http": "http://p:2"}, "http://p:2"),
        ({"http://": "http://p:3"}, "http://p:3"),
        ({"all": "http://p:4"}, "http://p:4"),
        ({"https": "http://p:1"}, None),
        (None, None),
    ],
)
def test_the_proxy_is_that_of_the_scheme(proxies, proxy):
    given = {"username": "u", "hostPort": "h:8080", "proxies": proxies}
    assert Address.of(CONNECTOR.connection.model_validate(given)).proxy == proxy


def test_a_proxy_is_asked(start):
    """Whatever the host is called: the proxy knows it, and here answers itself."""
    world = start(Cluster())
    world.cluster.run(*story("trino"))
    proxies = {"http": f"http://{world.address}"}
    given = {"hostPort": "coordinator.invalid:8080", "proxies": proxies}
    assert world.probe.descriptors(EntityType.TABLE, **given)


def test_what_the_server_repeats_of_a_secret_stays_inside(closed):
    closed.cluster.refusals["show catalogs"] = Refusal("GENERIC_INTERNAL_ERROR", "token-9f is bad")
    with pytest.raises(Permanent, match=r"\*\*\* is bad"):
        closed.probe.open(authType={"jwt": "token-9f"}).__enter__()


def test_what_requests_would_be_given_is_taken():
    arguments = {"requests_kwargs": {"verify": False}}
    given = {"username": "u", "hostPort": "h:443", "connectionArguments": arguments}
    assert Address.of(CONNECTOR.connection.model_validate(given)).verify is False


def test_a_proxys_password_stays_inside(library):
    given = {"proxies": {"http": "http://me:canary-9f@127.0.0.1:1"}}
    with pytest.raises(Unreachable) as raised:
        library.probe.open(**given).__enter__()
    assert "canary-9f" not in f"{raised.value!r} {library.probe.settings(**given)!r}"


def test_a_catalog_or_schema_that_is_not_there(library):
    with pytest.raises(Denied, match="there is no catalog 'nowhere'") as raised:
        library.probe.open(catalog="nowhere").__enter__()
    assert "SHOW CATALOGS" in raised.value.hint
    with pytest.raises(Denied, match="has no schema 'nothing'"):
        library.probe.listing(catalog="shop", databaseSchema="nothing")


@pytest.mark.parametrize("module", [trino, presto], ids=["trino", "presto"])
def test_openmetadatas_yaml_works_unchanged(contracts, module):
    """Every field of its model is accepted, the same ones are required."""
    model = module.CONNECTOR.connection
    name = module.CONNECTOR.service_type.lower()
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / f"{name}Connection.json").read_text())
    assert set(schema["properties"]) <= set(model.model_fields)
    required = {key for key, field in model.model_fields.items() if field.is_required()}
    assert required == set(schema["required"])
    given = {k: each["default"] for k, each in schema["properties"].items() if "default" in each}
    assert model.model_validate({**given, "username": "u", "hostPort": "h:1"})
