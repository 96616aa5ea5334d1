"""How a connection is asked for: OpenMetadata's fields, TLS, ways to sign in, and what goes wrong there."""

import json
import socket
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from rayingest.connectors.database import azuresql, mssql, synapse
from rayingest.core import registry
from rayingest.errors import ConfigError, MissingDriver, Unauthorised, Unreachable
from rayingest.kit.sql.mssql.dial import dialling
from rayingest.kit.sql.mssql.options import Address, given
from rayingest.kit.sql.mssql.sign_in import credentials
from rayingest.kit.sql.mssql.tls import is_for
from rayingest.model import EntityType
from rayingest.testing.probe import Probe
from rayingest.testing.processes import free_port
from rayingest.testing.servers.pysqlbridge import DOMAIN, USER

CONNECTORS = {"mssql": mssql, "azureSQL": azuresql, "synapse": synapse}
WRONG = "canary-bad"


@pytest.fixture
def plain(server):
    return Probe(mssql.CONNECTOR, server.config())


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


# --- TLS ---


def test_the_server_proves_who_it_is(plain):
    """By the certificate that it made for itself, which has its address among its names."""
    assert opened(plain) == 2


def test_a_server_that_nobody_vouches_for_gets_no_password(plain):
    with pytest.raises(Unreachable, match="cannot be trusted: certificate verify failed") as caught:
        opened(plain, sslConfig=None, encrypt=True)
    assert "caCertificate" in caught.value.hint


def test_a_certificate_of_another_host_is_refused(plain, server):
    """127.1 is this machine, too, and not what the certificate calls it."""
    with pytest.raises(Unreachable, match="cannot be trusted"):
        opened(plain, hostPort=f"127.1:{server.port}")


@pytest.mark.parametrize(
    "changes", [{"encrypt": True, "trustServerCertificate": True}, {"encrypt": False}]
)
def test_it_is_trusted_where_the_config_says_so(plain, changes):
    assert opened(plain, sslConfig=None, **changes) == 2


def test_a_certificate_that_cannot_be_read_is_told(plain):
    with pytest.raises(ConfigError, match="sslConfig: a certificate or key"):
        opened(plain, sslConfig={"caCertificate": "/nowhere.pem"})


@pytest.mark.parametrize(
    ("names", "common", "host", "expected"),
    [
        (["sql.example.com"], "x", "SQL.example.com", True),
        (["SQL01"], "x", "sql01", True),
        (["*.database.windows.net"], "x", "shop.database.windows.net", True),
        (["*.database.windows.net"], "x", "a.b.database.windows.net", False),
        (["*.database.windows.net"], "x", "database.windows.net", False),
        (["other"], "sql01", "sql01", False),
        ([], "sql01", "sql01", True),
        ([], "sql01", "sql02", False),
        (["10.0.0.1"], "x", "10.0.0.1", False),
    ],
)
def test_whose_certificate_it_is(names, common, host, expected):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    if names:
        listed = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        made = made.add_extension(listed, critical=False)
    assert is_for(made.sign(key, hashes.SHA256()), host) is expected


# --- signing in ---


def test_a_wrong_password(plain):
    with pytest.raises(Unauthorised, match=r"does not accept user 'ada'.*18456") as caught:
        opened(plain, password=WRONG)
    assert WRONG not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_a_database_that_is_missing(plain):
    """The server says so, and then that the sign-in failed: the password was right."""
    with pytest.raises(Unreachable, match=r"has no database 'nope'.*4060") as caught:
        opened(plain, database="nope")
    assert "CREATE USER" in caught.value.hint


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


@pytest.mark.parametrize("changes", [{}, {"sslConfig": None}])
def test_accounts_of_windows(plain, changes):
    """By NTLM within Negotiate, which the server's side of pyspnego answers."""
    assert opened(plain, username=f"{DOMAIN}\\{USER}", **changes) == 2


def test_an_account_of_windows_with_a_wrong_password(plain):
    with pytest.raises((Unauthorised, Unreachable)) as caught:
        opened(plain, username=f"{DOMAIN}\\{USER}", password=WRONG)
    assert WRONG not in str(caught.value)


def test_an_account_of_windows_has_a_password():
    with pytest.raises(ConfigError, match="needs a password"):
        credentials(mssql.MssqlConnection(database="d", username="CORP\\ada"), "sql01")


def test_without_a_ticket_of_kerberos_nobody_signs_in(plain):
    with pytest.raises(Unauthorised, match="SQL Server at"):
        opened(plain, username=None, password=None)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"clientSecret": "s"}, "clientId, clientSecret and tenantId"),
        (
            {"authenticationMode": {"authentication": "ActiveDirectoryServicePrincipal"}},
            "clientId, clientSecret and tenantId",
        ),
        (
            {"authenticationMode": {"authentication": "ActiveDirectoryPassword"}},
            "needs username and password",
        ),
    ],
)
def test_half_of_what_signs_in_by_entra_id(fields, text):
    config = synapse.SynapseConnection(hostPort="h", database="d", **fields)
    with pytest.raises(ConfigError, match=text):
        credentials(config, "h")


# --- check ---


def checked(probe, **changes):
    return list(probe.connector.check(probe.settings(**changes)))


def test_check_tells_of_each_capability(plain):
    lines = checked(plain, ingestAllDatabases=True)
    connect, *rest = lines
    assert "SQL Server 17" in connect.why
    assert {each.capability for each in rest} == {
        each.value for each in mssql.CONNECTOR.capabilities
    }
    # pysqlbridge lets nobody see all definitions.
    (warned,) = [each for each in rest if each.status != "ok"]
    assert (warned.capability, warned.grant) == ("tables", "GRANT VIEW DEFINITION TO [dbo];")


def test_check_tells_of_closed_databases_hidden_texts_and_what_is_denied(server, database, probe):
    database.thing("p", kind="P")
    database.table("v", {"id": "int"}, kind="V")
    made = probe(database, ingestAllDatabases=True)
    state = "case when name = 'pysqlbridge' then 6 else 0 end"
    server.behave(
        where="sys.extended_properties",
        number=229,
        message="The SELECT permission was denied",
        instead={
            "state, has_dbaccess(name)\n": f"{state}, 0\n",
            "(state <> 0 or has_dbaccess(name) = 0)": "1 = 1",
        },
    )
    lines = checked(made)
    told = [(each.capability, each.status, each.why) for each in lines if each.status != "ok"]
    assert ("comments", "denied", "The SELECT permission was denied (error 229)") in told
    assert ("views", "warning", "the text of 1 is hidden or encrypted") in told
    assert ("procedures", "warning", "the text of 1 is hidden or encrypted") in told
    assert ("databases", "warning", "pysqlbridge is not online: it is left out") in told
    no_access = f"no access to database {made.config['database']}: it is left out"
    assert ("databases", "warning", no_access) in told


def test_check_says_when_nobody_verified_the_server(plain):
    def warned(**changes):
        config = {"sslConfig": None, **changes}
        settings = plain.settings(**config)
        from rayingest.kit.sql.mssql.check import _encryption

        return [each.why for each in _encryption(settings)]

    assert warned() == []  # this machine
    (why,) = warned(hostPort="sql.example.com")
    assert why == (
        "of the connection to sql.example.com the sign-in alone is encrypted, and nobody "
        "verified who sql.example.com is"
    )
    assert warned(hostPort="sql.example.com", encrypt=True) == []
    (why,) = warned(hostPort="sql.example.com", encrypt=True, trustServerCertificate=True)
    assert why == "nobody verified who sql.example.com is"


@pytest.mark.parametrize("name", ["mssql", "azuresql", "synapse"])
def test_each_has_its_lineage(name):
    assert registry.load(f"{name}-lineage").types == (EntityType.TABLE,)
