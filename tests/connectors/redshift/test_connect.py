"""Signing in: passwords, IAM, what goes over the line, and what is said when it fails."""

import json
import pickle
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rayingest import errors
from rayingest.connectors.database.redshift import CONNECTOR
from rayingest.errors import ConfigError
from rayingest.kit.sql.redshift.credentials import Place, place
from rayingest.kit.sql.redshift.errors import classify
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from ..aws import KEYS, serving
from .bed import LENT, config

CLUSTER = "books.c1a2.eu-west-1.redshift.amazonaws.com"
WORKGROUP = "books.123456789012.eu-west-1.redshift-serverless.amazonaws.com"
TABLES = EntityType.TABLE


def refused(probe, **changes):
    with pytest.raises(errors.RayingestError) as caught, probe.open(**changes):
        pass
    return caught.value


@pytest.fixture(scope="module")
def one(make):
    return make("one", "create table t (i int)", "create view v as select i from t")


# --- the line ---


def test_what_goes_over_the_line_is_what_redshift_knows(library, door):
    """Simple statements alone: no parameters, nothing prepared, no settings in the first message."""
    with library.open(hostPort=door.host_port) as source:
        assert source._idle[0].version == 80002
    told = library.entities(TABLES, hostPort=door.host_port, options={"includeDDL": True})
    assert told == library.entities(TABLES, options={"includeDDL": True})
    assert set(door.startup) == {"user", "database", "client_encoding", "application_name"}
    assert door.startup["client_encoding"] == "utf8"
    assert set(door.sent) == {b"p", b"Q", b"X"}  # the password, statements, the end
    assert door.statements[:2] == [
        "set search_path to pg_catalog",
        "set statement_timeout to 60000",
    ]


def test_a_connection_cut_in_mid_batch_is_a_lost_session_and_the_next_call_has_a_new_one(one, door):
    found = one.descriptors(TABLES)
    with one.open(hostPort=door.host_port) as source:
        door.cut_at = "pg_description"
        with pytest.raises(errors.SessionLost):
            list(source.process_entities(found))
        door.cut_at = None
        assert len(list(source.process_entities(found))) == 2


def test_a_connection_cut_while_it_is_opened_is_told(one, door):
    door.cut_at = "statement_timeout"
    assert isinstance(refused(one, hostPort=door.host_port), errors.SessionLost)


def test_a_listing_that_is_cut_is_no_shorter_one(one, door):
    door.cut_at = "pg_proc_info"
    with one.open(hostPort=door.host_port) as source, pytest.raises(errors.SessionLost):
        list(source.discover_entities(EntityType.DATABASE_SCHEMA, "svc.one"))


def test_a_statement_that_takes_too_long_times_out(one, server):
    views = [each for each in one.descriptors(TABLES) if each.metadata["kind"] == "v"]
    with server.connect("one") as other, one.open(call_timeout=0.2) as source:
        other.execute("begin; lock table v in access exclusive mode; lock table t")
        with pytest.raises(errors.TimedOut):
            list(source.process_entities(views))
        other.execute("rollback")


def test_cancel_breaks_off_a_waiting_statement_from_another_thread(one, server):
    views = [each for each in one.descriptors(TABLES) if each.metadata["kind"] == "v"]
    with server.connect("one") as other, one.open(call_timeout=25) as source:
        other.execute("begin; lock table v in access exclusive mode; lock table t")
        caught = []

        def work():
            try:
                list(source.process_entities(views))
            except errors.RayingestError as error:
                caught.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        blocked = "select count(*) from pg_locks where not granted"
        while not other.execute(blocked).fetchone()[0]:
            thread.join(0.01)
        source.cancel()
        thread.join(10)
        other.execute("rollback")
        assert isinstance(caught[0], errors.TimedOut)
        assert len(list(source.process_entities(views))) == 1


# --- refusals ---


def test_a_wrong_password_is_unauthorised(one):
    error = refused(one, authType={"password": "wrong"})
    assert isinstance(error, errors.Unauthorised)
    assert "Redshift at" in str(error)
    assert "pg_hba" not in error.hint


def test_a_password_may_stand_where_older_configs_have_it(one):
    old = {"authType": None, "password": one.config["authType"]["password"]}
    with one.open(**old) as source:
        assert source
    assert isinstance(refused(one, authType=None, password="wrong"), errors.Unauthorised)  # noqa: S106


def test_a_host_that_is_down_is_unreachable(one):
    error = refused(one, hostPort="127.0.0.1:9")
    assert isinstance(error, errors.Unreachable)
    assert "Redshift at 127.0.0.1:9" in str(error)


def test_a_database_that_is_missing_is_named(one):
    error = refused(one, database="nowhere")
    assert isinstance(error, errors.Unreachable)
    assert "no database 'nowhere'" in str(error)


def test_certificates_are_verified_when_nothing_is_said(one):
    given = {key: value for key, value in one.config.items() if key != "sslMode"}
    error = refused(Probe(CONNECTOR, given))
    assert isinstance(error, errors.Unreachable)
    assert "SSL" in str(error)


def test_what_the_data_catalogue_refuses_is_denied(one):
    import psycopg

    with pytest.raises(psycopg.Error) as caught, one.open() as source:
        source._idle[0].connection.execute("select pg_shim.answers('closed')")
    known = classify(caught.value)
    assert isinstance(known, errors.Denied)
    assert "Lake Formation" in known.hint


def test_the_connector_and_its_settings_pickle_and_show_no_secret(one):
    settings = one.settings()
    assert pickle.loads(pickle.dumps(CONNECTOR)).service_type == "Redshift"
    assert pickle.loads(pickle.dumps(settings)).connection == settings.connection
    assert one.config["authType"]["password"] not in repr(settings)


# --- IAM ---


@pytest.mark.parametrize(
    ("host", "where"),
    [
        (CLUSTER, Place("redshift", "books")),
        (WORKGROUP, Place("redshift-serverless", "books")),
        ("books.c1a2.cn-north-1.redshift.amazonaws.com.cn", Place("redshift", "books")),
    ],
)
def test_an_address_tells_the_cluster_or_the_workgroup(host, where):
    assert place(host) == where


@pytest.mark.parametrize("host", ["10.0.0.1", "dwh.example.com", "redshift.example.com"])
def test_an_address_that_tells_nothing_is_the_configs_fault(host):
    with pytest.raises(ConfigError, match=host):
        place(host)


def at(server, host, aws, **more):
    """A connection to the server by a name of AWS's."""
    return Probe(
        CONNECTOR,
        config(
            server,
            "one",
            hostPort=f"{host}:{server.port}",
            connectionArguments={"hostaddr": "127.0.0.1"},
            authType={"awsConfig": aws},
            **more,
        ),
    )


@pytest.fixture(scope="module")
def aws():
    with serving() as running:
        running.client("redshift").create_cluster(
            ClusterIdentifier="books",
            NodeType="ra3.large",
            MasterUsername="root",
            MasterUserPassword="Canary-of-1-root",
        )
        yield running


def test_a_cluster_is_read_with_a_password_that_iam_lends_for_each_session(server, one, aws):
    probe = at(server, CLUSTER, aws.config(), username=LENT.removeprefix("IAM:"))
    with aws.counted() as asked, probe.open() as source:
        assert source._idle[0].ask("select current_user::text") == [(LENT,)]
        assert next(source.discover_entities(EntityType.DATABASE)).id == "svc.one"
    assert asked == ["redshift"]
    body = aws.bodies[-1].decode()
    assert "DbName=one" in body
    assert "DurationSeconds=900" in body
    assert "AutoCreate=false" in body
    with aws.counted() as asked, probe.open():
        pass
    assert asked == ["redshift"]  # no session has another's password


def test_a_cluster_that_iam_does_not_know_is_named(server, one, aws):
    error = refused(at(server, CLUSTER.replace("books", "songs"), aws.config()))
    assert isinstance(error, errors.SourceError)
    assert "songs" in str(error)
    assert "awsRegion" in error.hint


def test_a_right_that_iam_misses_is_named(server, one, aws):
    aws.xml_faults.append((403, "AccessDenied", "User: arn:aws:iam::1:user/u is not authorized"))
    error = refused(at(server, CLUSTER, aws.config()))
    assert isinstance(error, errors.Denied)
    assert "redshift:GetClusterCredentials" in error.hint
    assert KEYS["awsSecretAccessKey"] not in f"{error} {error.hint}"


@pytest.fixture
def serverless(server):
    """The API of serverless workgroups, which lends a user of the server; `asked` is what it is asked."""

    class Lends(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers["X-Amz-Target"]
            asked.append((target.rpartition(".")[2], json.loads(body)))
            said = json.dumps({"dbUser": server.user, "dbPassword": server.password}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args):
            pass

    asked = []
    http = HTTPServer(("127.0.0.1", 0), Lends)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}", asked
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_workgroup_is_read_as_the_user_that_iam_makes(server, one, serverless):
    pytest.importorskip("botocore")
    url, asked = serverless
    aws = {"awsRegion": "eu-west-1", "endPointURL": url, **KEYS}
    probe = at(server, WORKGROUP, aws, username="whoever")
    assert {each.name for each in probe.entities(TABLES).values()} == {"t", "v"}
    assert asked[0] == (
        "GetCredentials",
        {"workgroupName": "books", "dbName": "one", "durationSeconds": 900},
    )


# --- OpenMetadata ---


def test_openmetadatas_yaml_works_unchanged(contracts):
    """Every field of its model is accepted, and no other is required."""
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / "redshiftConnection.json").read_text())
    model = CONNECTOR.connection
    assert set(schema["properties"]) <= set(model.model_fields)
    assert set(schema["required"]) == {
        name for name, field in model.model_fields.items() if field.is_required()
    }
    given = {
        name: each["default"] for name, each in schema["properties"].items() if "default" in each
    }
    required = {"hostPort": "h:5439", "username": "u", "database": "d"}
    assert model.model_validate({**given, **required}).ingestAllDatabases is False
    for auth in ({"password": "x"}, {"awsConfig": {"awsRegion": "eu-west-1"}}):
        model.model_validate({**required, "authType": auth})
