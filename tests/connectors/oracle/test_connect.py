"""How Oracle is reached, and what is said when it is not: the vendor's driver itself is asked."""

import base64
import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from rayingest.connectors.database.oracle import CONNECTOR
from rayingest.errors import (
    ConfigError,
    Denied,
    Permanent,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.oracle import options
from rayingest.kit.sql.oracle.errors import classify, classify_connect
from rayingest.testing.probe import Probe

from .listener import listening, refusal
from .standin import CONFIG

oracledb = pytest.importorskip("oracledb")

SERVICE, SID = {"oracleServiceName": "ERP"}, {"databaseSchema": "ORCL"}
DESCRIPTOR = (
    "(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=db)(PORT=1530))(CONNECT_DATA=(SERVICE_NAME=ERP)))"
)
# As OAuth has it: the driver looks when it ends.
END = base64.b64encode(json.dumps({"exp": 4102444800}).encode()).decode()
TOKEN = f"canary.{END}.signature"


def probe(**changes):
    return Probe(CONNECTOR, {**CONFIG, **changes})


def given(**changes):
    return options.parameters(probe(**changes).settings().connection)


def address(**changes):
    """Where the driver would go, in its own words."""
    parameters = given(**changes)
    dsn = parameters.pop("dsn", None)
    made = oracledb.ConnectParams(**parameters)
    if dsn:
        made.parse_connect_string(dsn)
    return made.get_connect_string()


def failed(call_timeout=60.0, **changes):
    with (
        pytest.raises(Exception) as caught,  # noqa: PT011 - which one is what is asked
        probe(**changes).open(call_timeout=call_timeout),
    ):
        pass
    assert "canary" not in f"{caught.value} {caught.value.hint}"
    return caught.value


# --- the address, as the driver makes it of what we give it ---


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"hostPort": "db", "oracleConnectionType": SERVICE}, ("(HOST=db)(PORT=1521)", "(SERVICE_NAME=ERP)")),
        ({"hostPort": "db:1530", "oracleConnectionType": SID}, ("(PORT=1530)", "(SID=ORCL)")),
        ({"hostPort": "[::1]:1530", "oracleConnectionType": SERVICE}, ("(HOST=::1)", "(PORT=1530)")),
        ({"hostPort": "db", "oracleConnectionType": {"databaseSchema": "HR"}, "connectionOptions": {"service_name": "ERP"}}, ("(SERVICE_NAME=ERP)",)),
        ({"hostPort": None, "oracleConnectionType": {"oracleTNSConnection": DESCRIPTOR}}, ("(HOST=db)(PORT=1530)", "(SERVICE_NAME=ERP)")),
        ({"hostPort": None, "oracleConnectionType": {"oracleServiceName": "db:1530/ERP"}}, ("(HOST=db)(PORT=1530)", "(SERVICE_NAME=ERP)")),
        ({"hostPort": "db", "oracleConnectionType": SERVICE, "connectionOptions": {"protocol": "tcps", "wallet_location": "/wallet"}}, ("(PROTOCOL=tcps)", "(PORT=2484)", "(SSL_SERVER_DN_MATCH=ON)", "/wallet")),
        ({"hostPort": "db", "oracleConnectionType": SERVICE, "connectionOptions": {"https_proxy": "proxy", "https_proxy_port": "3128"}}, ("(HTTPS_PROXY=proxy)", "(HTTPS_PROXY_PORT=3128)")),
        ({"hostPort": "db", "oracleConnectionType": SERVICE, "connectionArguments": {"retry_count": 2}}, ("(RETRY_COUNT=2)",)),
    ],
)  # fmt: skip
def test_the_driver_goes_where_the_config_says(changes, wanted):
    made = address(**changes)
    assert all(each in made for each in wanted), made
    assert "(SID=" not in made or "(SERVICE_NAME=" not in made


def test_the_name_of_a_tls_server_is_verified_unless_told_otherwise():
    tls = {"protocol": "tcps", "ssl_server_dn_match": "false"}
    assert "DN_MATCH=ON" not in address(connectionOptions=tls)
    assert "DN_MATCH=ON" in address(connectionOptions={"protocol": "tcps"})


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({}, "rayingest"),
        ({"username": "proxy[hr]"}, "proxy[hr]"),
        ({"password": None, "connectionArguments": {"externalauth": True}}, None),
        ({"password": None, "username": "[hr]", "connectionOptions": {"externalauth": "true"}}, "[hr]"),
        ({"password": None, "connectionArguments": {"access_token": TOKEN}}, None),
        ({"password": None, "connectionArguments": {"access_token": [TOKEN, "key"]}}, None),
    ],
)  # fmt: skip
def test_who_signs_in(changes, user):
    parameters = given(**changes)
    assert parameters.get("user") == user
    assert ("password" in parameters) == ("password" not in changes)
    oracledb.ConnectParams(**{k: v for k, v in parameters.items() if k != "dsn"})


def test_a_token_of_two_parts_is_a_pair():
    arguments = {"access_token": [TOKEN, "key"]}
    assert given(password=None, connectionArguments=arguments)["access_token"] == (TOKEN, "key")


def test_the_client_of_openmetadatas_image_is_not_needed(tmp_path):
    def folder(given):
        return options.client_folder(probe(instantClientDirectory=given).settings().connection)

    assert folder("/instantclient") is None
    assert folder("") is None
    assert folder("/nowhere") == "/nowhere"


# --- who does not answer ---


def test_nobody_listens():
    with listening() as (port, _):
        pass
    error = failed(hostPort=f"127.0.0.1:{port}")
    assert isinstance(error, Unreachable)
    assert f"127.0.0.1:{port}, 'FREEPDB1', does not answer" in str(error)
    assert "CONNECTION_ID" not in str(error)
    assert "listener" in error.hint


def test_the_host_is_unknown():
    error = failed(hostPort="nobody.invalid:1521")
    assert isinstance(error, Unreachable)
    assert "nobody.invalid" in str(error)


def test_it_hangs_up():
    with listening() as (port, heard):
        error = failed(hostPort=f"127.0.0.1:{port}")
    assert isinstance(error, Unreachable)
    assert b"(SERVICE_NAME=FREEPDB1)" in heard[0]
    assert b"(PROGRAM=rayingest)" in heard[0]


def test_it_says_nothing():
    with listening(silent=True) as (port, _):
        error = failed(hostPort=f"127.0.0.1:{port}", call_timeout=1.0)
    assert isinstance(error, Unreachable)
    assert "says nothing for 1 seconds" in str(error)


def test_it_is_something_else():
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, _):
        assert isinstance(failed(hostPort=f"127.0.0.1:{port}"), Unreachable)


def test_it_does_not_speak_tls():
    with listening(b"\0" * 64) as (port, _):
        error = failed(hostPort=f"127.0.0.1:{port}", connectionOptions={"protocol": "tcps"})
    assert isinstance(error, Unreachable)
    assert "SSL" in str(error)


@pytest.mark.parametrize(
    ("number", "kind", "says", "hint"),
    [
        (12514, Unreachable, 'Service "FREEPDB1" is not registered', "lsnrctl services"),
        (12516, Throttled, "refused", "SESSIONS_PER_USER"),
        (12519, Throttled, "refused", "SESSIONS_PER_USER"),
        (12520, Throttled, "refused", "SESSIONS_PER_USER"),
        (12528, Retryable, "does not take sessions now", None),
    ],
)
def test_a_listener_refuses(number, kind, says, hint):
    with listening(refusal(number)) as (port, _):
        error = failed(hostPort=f"127.0.0.1:{port}")
    assert type(error) is kind
    assert says in str(error)
    assert hint is None or hint in error.hint


def test_a_listener_does_not_know_a_sid():
    with listening(refusal(12505)) as (port, _):
        error = failed(hostPort=f"127.0.0.1:{port}", oracleConnectionType=SID)
    assert isinstance(error, Unreachable)
    assert "'ORCL', is a listener without that database" in str(error)


@pytest.mark.parametrize(
    "changes",
    [
        {"hostPort": None, "oracleConnectionType": {"oracleServiceName": "an_alias"}},
        {"hostPort": None, "oracleConnectionType": {"oracleTNSConnection": "(DESCRIPTION=(ADD"}},
        {"hostPort": None, "oracleConnectionType": SID},
        {"connectionArguments": {"nonsense": 1}},
        {"connectionOptions": {"expire_time": "soon"}},
        {"connectionOptions": {"mode": "sideways"}},
    ],
)
def test_a_config_that_cannot_be(changes):
    assert isinstance(failed(**changes), ConfigError)


def test_a_client_that_is_not_there():
    """In a process of its own: the driver's mode is one for all."""
    code = (
        "from rayingest.testing.probe import Probe\n"
        "from rayingest.connectors.database.oracle import CONNECTOR\n"
        f"probe = Probe(CONNECTOR, { ({**CONFIG, 'instantClientDirectory': '/nowhere'})!r})\n"
        "try:\n    probe.open().__enter__()\n"
        "except Exception as error: print(type(error).__name__, error, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("ConfigError")
    assert "instantClientDirectory must hold" in done.stdout


def test_a_driver_that_is_not_installed():
    code = (
        "import sys; sys.modules['oracledb'] = None\n"
        "from rayingest.testing.probe import Probe\n"
        "from rayingest.connectors.database.oracle import CONNECTOR\n"
        f"try: Probe(CONNECTOR, {CONFIG!r}).open().__enter__()\n"
        "except Exception as error: print(type(error).__name__, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["MissingDriver", "pip install 'rayingest[oracle]'\n"]


# --- who answers ---


def test_a_session_breaks_off_in_time_and_has_texts_with_their_rows(dictionary, monkeypatch):
    dictionary.version = "19.3.0.0.0"
    monkeypatch.setattr(oracledb, "connect", lambda **given: dictionary)
    with probe().open(call_timeout=2.5):
        assert dictionary.call_timeout == 2500
    cursor = SimpleNamespace(arraysize=7, var=lambda kind, arraysize: (kind, arraysize))

    def read_as(kind):
        return dictionary.outputtypehandler(cursor, SimpleNamespace(type_code=kind))

    assert read_as(oracledb.DB_TYPE_CLOB) == (oracledb.DB_TYPE_LONG, 7)
    assert read_as(oracledb.DB_TYPE_VARCHAR) is None


def test_a_connection_that_comes_too_late_is_closed(monkeypatch):
    gave_up, closed = threading.Event(), threading.Event()

    def late(**given):
        gave_up.wait(10)
        return SimpleNamespace(close=closed.set)

    monkeypatch.setattr(oracledb, "connect", late)
    assert isinstance(failed(call_timeout=1.0), Unreachable)
    gave_up.set()
    assert closed.wait(10)


# --- what numbers mean ---


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ORA-01013: user requested cancel of current operation", TimedOut),
        ("DPY-4024: call timeout of 1000 ms exceeded", TimedOut),
        ("ORA-03113: end-of-file on communication channel", SessionLost),
        ("ORA-03114: not connected to ORACLE", SessionLost),
        ("ORA-00028: your session has been killed", SessionLost),
        ("ORA-02396: exceeded maximum idle time, please connect again", SessionLost),
        ("DPY-4011: the database or network closed the connection", SessionLost),
        ("DPY-1001: not connected to database", SessionLost),
        ("ORA-02391: exceeded simultaneous SESSIONS_PER_USER limit", Throttled),
        ("ORA-00018: maximum number of sessions exceeded", Throttled),
        ("ORA-01555: snapshot too old", Retryable),
        ("ORA-00942: table or view does not exist", Denied),
        ("ORA-01031: insufficient privileges", Denied),
        ('ORA-31603: object "T" of type TABLE not found in schema "HR"', Denied),
        ('ORA-00904: "X": invalid identifier', Permanent),
    ],
)  # fmt: skip
def test_a_statement_that_fails(text, kind):
    known = classify(oracledb.DatabaseError(text))
    assert type(known) is kind
    assert text in str(known)
    assert kind is not Denied or "SELECT_CATALOG_ROLE" in known.hint


@pytest.mark.parametrize(
    ("text", "kind", "hint"),
    [
        ("ORA-01017: invalid username/password; logon denied", Unauthorised, "upper and lower case"),
        ("ORA-01045: user HR lacks CREATE SESSION privilege", Unauthorised, "GRANT CREATE SESSION TO hr;"),
        ("ORA-28000: the account is locked", Unauthorised, "ACCOUNT UNLOCK"),
        ("ORA-28001: the password has expired", Unauthorised, "has expired"),
        ("DPY-3015: password verifier type 0x939 is not supported", Unauthorised, "instantClientDirectory"),
        ("DPY-3010: connections to this database server version are not supported", ConfigError, "12.1"),
        ("DPY-3001: Native Network Encryption and Data Integrity is only supported in thick mode", ConfigError, "give instantClientDirectory"),
        ("DPI-1047: Cannot locate a 64-bit Oracle Client library", ConfigError, "leave it out"),
        ("ORA-12154: TNS:could not resolve the connect identifier specified", ConfigError, "tnsnames.ora"),
        ("ORA-00020: maximum number of processes (300) exceeded", Throttled, "PROCESSES"),
        ("ORA-01033: ORACLE initialization or shutdown in progress", Retryable, None),
        ("ORA-12541: TNS:no listener", Unreachable, "hostPort"),
        ("ORA-12545: Connect failed because target host or object does not exist", Unreachable, "hostPort"),
    ],
)  # fmt: skip
def test_a_login_that_fails(text, kind, hint):
    known = classify_connect(oracledb.DatabaseError(text), "Oracle at db, 'ERP',", "hr")
    assert type(known) is kind
    assert str(known).startswith("Oracle at db, 'ERP',")
    assert hint is None or hint in known.hint


def test_what_is_not_the_drivers_is_nobodys():
    error = KeyError("x")
    assert classify(error) is None
    assert classify_connect(error, "", "") is error


def test_openmetadatas_yaml_works_unchanged(contracts):
    """Every field of its model is accepted, and all that it requires."""
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / "oracleConnection.json").read_text())
    model = CONNECTOR.connection
    assert set(schema["properties"]) <= set(model.model_fields)
    assert set(schema["required"]) == {
        name for name, field in model.model_fields.items() if field.is_required()
    }
    defaults = {
        name: each["default"] for name, each in schema["properties"].items() if "default" in each
    }
    for kind in (SERVICE, SID, {"oracleTNSConnection": DESCRIPTOR}):
        given = {**defaults, "username": "x", "oracleConnectionType": kind}
        assert model.model_validate(given).useDBATable
