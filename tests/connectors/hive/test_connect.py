"""What OpenMetadata says of Hive and Impala, what the drivers' parameters mean, what errors are taken for."""

import json
import pickle
import socket
import ssl
import sys
from types import SimpleNamespace as Answer

import pytest

from rayingest.connectors.database import hive, impala
from rayingest.core.filters import Filters
from rayingest.core.source import EntityDescriptor, Settings
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    MissingDriver,
    Permanent,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.hive.address import HIVESERVER2, IMPALAD, Address
from rayingest.kit.sql.hive.errors import Said, classify, classify_connect, plain
from rayingest.kit.sql.hive.facts import HIVE
from rayingest.kit.sql.hive.session import SPARK, HiveSession, rows
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, sort

SCHEMAS = "openmetadata/schemas/entity/services/connections/database"
PATTERNS = {"schemaFilterPattern": {}, "tableFilterPattern": {}, "databaseFilterPattern": {}}
POSTGRES = {"type": "Postgres", "username": "hive", "hostPort": "h:5432", "database": "metastore"}
COMMON = {
    "username": "u", "password": "p", "hostPort": "h:1", "kerberosServiceName": "k", "databaseSchema": "s",
    "databaseName": "d", "authOptions": "http_path=x", "useSSL": True, "connectionOptions": {},
    "connectionArguments": {}, **PATTERNS, "supportsMetadataExtraction": True, "supportsDBTExtraction": True,
    "supportsProfiler": True, "sampleDataStorageConfig": {"config": {}}, "supportsViewLineageExtraction": True,
}  # fmt: skip
EVERYTHING = {
    "hive": {**COMMON, "type": "Hive", "scheme": "hive+https", "auth": "LDAP", "sslConfig": {"caCertificate": "x"},
             "metastoreConnection": POSTGRES},
    "impala": {**COMMON, "type": "Impala", "scheme": "impala4", "authMechanism": "LDAP"},
}  # fmt: skip
MODELS = {"hive": hive.HiveConnection, "impala": impala.ImpalaConnection}


@pytest.mark.parametrize("name", MODELS)
def test_every_field_of_openmetadatas_model_is_taken(contracts, name):
    schema = json.loads((contracts / SCHEMAS / f"{name}Connection.json").read_text())
    everything = EVERYTHING[name]
    assert schema["properties"].keys() == everything.keys()
    taken = MODELS[name].model_validate(everything)
    assert taken.model_fields_set == everything.keys()
    required = {key for key, field in MODELS[name].model_fields.items() if field.is_required()}
    assert required == set(schema["required"])
    for key, told in schema["properties"].items():
        if "enum" in told:
            for each in told["enum"]:
                assert MODELS[name].model_validate({"hostPort": "h", key: each})


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (POSTGRES, "PostgresConnection"),
        ({"type": "Mysql", "username": "hive", "hostPort": "h"}, "MysqlConnection"),
        ({}, "NoMetastore"),
    ],
)
def test_the_metastores_connection(given, kind):
    read = hive.HiveConnection.model_validate({"hostPort": "h", "metastoreConnection": given})
    assert type(read.metastoreConnection).__name__ == kind


def address(product=HIVESERVER2, **given):
    model = hive.HiveConnection if product is HIVESERVER2 else impala.ImpalaConnection
    return Address.of(model.model_validate({"hostPort": "h", **given}), product)


def test_ports_and_paths():
    assert address().where == "h:10000"
    assert address(scheme="hive+http").url == "http://h:10001/cliservice"
    assert address(scheme="hive+https", hostPort="h:443").url == "https://h:443/cliservice"
    assert (
        address(authOptions="http_path=gateway/a b&auth=LDAP").url == "http://h:10001/gateway/a%20b"
    )
    assert address(IMPALAD).where == "h:21050"
    web = address(IMPALAD, connectionArguments={"use_http_transport": True}, useSSL=True)
    assert web.url == "https://h:28000/"
    assert address(hostPort="[::1]:7").where == "[::1]:7"


def test_certificates_are_verified_unless_told_otherwise():
    assert address(useSSL=True).verified
    assert not address(connectionOptions={"verify_cert": "false"}).verified
    assert not address(connectionOptions={"ssl_cert": "none"}).verified
    assert address(connectionArguments={"ssl_cert": "required", "timeout": 5}).verified


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"connectionArguments": {"nonsense": 1}}, "unknown: nonsense"),
        ({"connectionOptions": {"auth": "MAGIC"}}, "auth 'MAGIC' is not known"),
        ({"auth": "JWT"}, "auth JWT needs HTTP"),
        ({"auth": "KERBEROS", "scheme": "hive+http"}, "Kerberos over HTTP is not supported"),
    ],
)
def test_what_cannot_work_is_refused_at_once(given, says):
    with pytest.raises(ConfigError, match=says) as caught:
        address(**given)
    assert caught.value.hint


def test_secrets_are_not_shown():
    given = address(password="CANARY-1", authOptions="jwt=CANARY-2", scheme="hive+http")  # noqa: S106
    model = hive.HiveConnection.model_validate(
        {"hostPort": "h", "password": "CANARY-1", "authOptions": "jwt=CANARY-2"}
    )
    assert "CANARY" not in repr(model)
    assert "CANARY" not in repr(given)


@pytest.mark.parametrize(
    ("text", "state", "kind"),
    [
        ("Error while compiling statement: FAILED: SemanticException [Error 10001]: Table not found x", "42S02", Gone),
        ("FAILED: SemanticException [Error 10072]: Database does not exist: x", "42000", Gone),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `a`.`b` cannot be found.", "42P01", Gone),
        ("AnalysisException: Could not resolve path: 'a.b'", "", Gone),
        ("AnalysisException: Database does not exist: a", "", Gone),
        ("FAILED: HiveAccessControlException Permission denied: user [u] does not have [SELECT] privilege on [a/b]",
         "42000", Denied),
        ("AuthorizationException: User 'u' does not have privileges to access: a.b", "", Denied),
        ("Invalid SessionHandle: SessionHandle [x]", "", SessionLost),
        ("Invalid query handle: a:b", "", SessionLost),
        ("Connection limit per user reached (user: u limit: 5)", "", Retryable),
        ("MetaException(message:Could not connect to meta store using any of the URIs provided)", "", Retryable),
        ("[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'", "42601", Permanent),
    ],
)  # fmt: skip
def test_what_errors_mean(text, state, kind):
    known = classify(Said(text, state, "a.b", "u"))
    assert type(known) is kind
    if kind is Denied:
        assert known.hint.startswith("GRANT SELECT ON a.b TO USER u")


def test_javas_noise_is_left_out():
    text = (
        "org.apache.hive.service.cli.HiveSQLException: Error running query: [X]"
        " org.apache.spark.sql.AnalysisException: [X] no such thing\nmore\n\tat a.b.c(D.scala:43)"
    )
    assert plain(text) == "[X] no such thing"
    assert plain("") == "no message"
    assert type(classify(TimeoutError())) is TimedOut
    assert classify(ValueError("x")) is None


def test_what_is_not_to_be_told_of_a_sign_in():
    bad = classify_connect(
        Exception("Bad status: 3 (b'Error validating the login')"), "HiveServer2 at h", "u"
    )
    assert type(bad) is Unauthorised
    told = classify_connect(ssl.SSLCertVerificationError("x"), "HiveServer2 at h", "u")
    assert type(told) is Unreachable
    assert "caCertificate" in told.hint
    assert type(classify_connect(Said("Cannot open new session: limit"), "h", "u")) is Retryable
    assert pickle.loads(pickle.dumps(bad)).hint == bad.hint


def test_without_the_driver_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "impala._thrift_gen.TCLIService.TCLIService", None)
    for connector, extra in ((hive.CONNECTOR, "hive"), (impala.CONNECTOR, "impala")):
        connection = connector.connection.model_validate({"hostPort": "127.0.0.1:1"})
        settings = Settings("svc", connection, None, Filters())
        with pytest.raises(MissingDriver, match=f"{extra} needs the package 'impyla'"):
            connector.facts.connect(settings, None)


def test_kerberos_needs_a_package_of_its_own():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = {"hostPort": f"127.0.0.1:{listening.getsockname()[1]}", "auth": "KERBEROS"}
        if "kerberos" in sys.modules:
            pytest.skip("it is there")
        with pytest.raises(MissingDriver, match="package 'kerberos'"):
            Probe(hive.CONNECTOR, config).descriptors(EntityType.DATABASE)


# --- what Hive and Impala answer where Spark answers otherwise ---


class Recorded:
    """Answers by statement, as a session would; what is not there is a syntax error."""

    database, schema, user = "default", None, "u"

    def __init__(self, server, version, **answers):
        self.server, self.version = server, version
        self.answers = {key.replace("_", " "): value for key, value in answers.items()}
        self.asked = []

    def rows(self, statement, what=""):
        self.asked.append(statement)
        for start, answer in self.answers.items():
            if statement.upper().startswith(start):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise Said(f"ParseException line 1:5 cannot recognize input near {statement!r}", "42000")


@pytest.mark.parametrize(
    ("given", "mends"),
    [
        ({}, "Set useSSL, or scheme hive+https."),
        ({"useSSL": True, "connectionOptions": {"verify_cert": "no"}}, "Set sslConfig.caCertificate."),
        ({"useSSL": True}, None),
        ({"hostPort": "127.0.0.1"}, None),
    ],
)  # fmt: skip
def test_the_check_names_the_first_table_and_what_others_can_read(given, mends):
    connection = hive.HiveConnection.model_validate({"hostPort": "h", **given})
    settings = Settings("svc", connection, None, Filters())
    session = Recorded(
        SPARK, "3.5", SHOW_DATABASES=[("empty",), ("library",)], DESCRIBE_FORMATTED=[]
    )
    session.answers["SHOW TABLES IN `EMPTY`"] = []
    session.answers["SHOW TABLES IN `LIBRARY`"] = [("", "mine", True), ("library", "a", False)]
    told = {each.capability: each for each in HIVE.check(session, settings)}
    assert told["tables"].why == "library.a can be read"
    assert (told["encryption"].grant if "encryption" in told else None) == mends


def listed(session, wants):
    return [each.name for each in HIVE.members(session, wants, "library")]


def test_schemas_of_the_system_are_hidden():
    session = Recorded(
        "Apache Hive", "3.1.3", SHOW_DATABASES=[("default",), ("sys",), ("information_schema",)]
    )
    assert [each.name for each in HIVE.listing(session, Wants())] == ["default"]
    impalas = Recorded("Impala", "4.4", SHOW_DATABASES=[("_impala_builtins", "System"), ("a", "")])
    assert [each.name for each in HIVE.listing(impalas, Wants())] == ["a"]


def test_views_and_materialized_views_of_hive_are_asked_for_apart():
    session = Recorded(
        "Apache Hive", "3.1.3", SHOW_TABLES=[("a",), ("m",), ("v",)], SHOW_VIEWS=[("v",)],
        SHOW_MATERIALIZED=[("# MV Name", "Rewriting Enabled", "Mode"), ("m  ", "No", "Manual refresh"), ("", None, None)],
    )  # fmt: skip
    assert listed(session, Wants()) == ["a", "m", "v"]
    assert session.asked == ["SHOW TABLES IN `library`"]
    assert listed(session, Wants(views=False)) == ["a"]
    assert listed(session, Wants(tables=False)) == ["v", "m"]


def test_who_cannot_tell_views_from_tables_says_so():
    session = Recorded("Apache Hive", "1.2.1", SHOW_TABLES=[("a",), ("v",)])
    assert listed(session, Wants()) == ["a", "v"]
    with pytest.raises(Permanent, match="does not tell views from tables") as caught:
        listed(session, Wants(views=False))
    assert "includeTables" in caught.value.hint


def test_what_is_of_a_session_alone_is_not_listed():
    session = Recorded(SPARK, "3.5", SHOW_TABLES=[("library", "a", False), ("", "mine", True)])
    assert listed(session, Wants()) == ["a"]


@pytest.mark.parametrize(
    "rows",
    [
        [("library", "A library", "hdfs://x", "hive", "USER", "")],  # Hive
        [("library", "A library", "hdfs://x", "hdfs://y", "hive", "USER", "", "", "")],  # Hive 4
        [("library", "/x", "A library"), ("Owner: ", "", ""), ("", "public", "ROLE")],  # Impala
        [("Database Name", "library"), ("Description", "A library"), ("Location", "x")],  # Spark 2
    ],
)
def test_comments_of_databases(rows):
    descriptor = EntityDescriptor(
        EntityType.DATABASE_SCHEMA,
        "svc.default.library",
        "svc.default",
        "default",
        {"name": "library"},
    )
    session = Recorded("?", "1", DESCRIBE_DATABASE=rows)
    found, _ = sort(HIVE.describe[EntityType.DATABASE_SCHEMA](session, [descriptor], Wants()))
    assert found["svc.default.library"].description == "A library"


def test_a_table_without_rights_is_told_and_costs_itself_alone():
    def descriptor(name):
        metadata = {"name": name, "schema": "library"}
        scope = "svc.default.library"
        return EntityDescriptor(EntityType.TABLE, f"{scope}.{name}", scope, "default", metadata)

    refusal = Said("AuthorizationException: User 'u' does not have privileges to access: library.b",
                   "", "library.b", "u")  # fmt: skip
    gone = Said("AnalysisException: Could not resolve path: 'library.c'")
    session = Recorded("Impala", "4.4.0")
    session.answers = {
        "DESCRIBE FORMATTED `LIBRARY`.`A`": [("x", "int", None)],
        "DESCRIBE FORMATTED `LIBRARY`.`B`": refusal,
        "DESCRIBE FORMATTED `LIBRARY`.`C`": gone,
        "DESCRIBE FORMATTED `LIBRARY`.`D`": [],
    }
    answers = HIVE.describe[EntityType.TABLE](session, list(map(descriptor, "abcd")), Wants())
    found, failed = sort(answers)
    assert list(found) == ["svc.default.library.a"]
    assert [type(each) for each in failed.values()] == [Denied, Gone, Permanent]
    assert "GRANT SELECT ON library.b" in failed["svc.default.library.b"].hint
    assert session.asked == [f"DESCRIBE FORMATTED `library`.`{each}`" for each in "abcd"]


def test_what_spark_does_not_tell_of_many_is_asked_of_each():
    """One table that cannot be read may keep it from telling any; one that it leaves out may be there."""
    session = Recorded(SPARK, "3.5.6", DESCRIBE_FORMATTED=[("x", "int", None)])
    metadata = {"name": "a", "schema": "library"}
    scope = "svc.default.library"
    descriptor = EntityDescriptor(EntityType.TABLE, f"{scope}.a", scope, "default", metadata)
    for answer in (None, []):
        if answer is not None:
            session.answers["SHOW TABLE EXTENDED"] = answer
            session.columns = lambda schema, tables: []
        session.asked.clear()
        found, failed = sort(HIVE.describe[EntityType.TABLE](session, [descriptor], Wants()))
        assert (list(found), failed) == ([f"{scope}.a"], {})
        assert session.asked[-1] == "DESCRIBE FORMATTED `library`.`a`"


@pytest.mark.parametrize("server", ["Impala", SPARK])
def test_what_is_no_fault_of_a_table_fails_none(server):
    """It is raised, and asked again."""
    session = Recorded(server, "4", DESCRIBE_FORMATTED=[("x", "int", None)])
    session.answers["DESCRIBE" if server == "Impala" else "SHOW TABLE EXTENDED"] = Said(
        "Connection limit per user reached"
    )
    if server == "Impala":
        del session.answers["DESCRIBE FORMATTED"]
    metadata = {"name": "a", "schema": "library"}
    scope = "svc.default.library"
    descriptor = EntityDescriptor(EntityType.TABLE, f"{scope}.a", scope, "default", metadata)
    with pytest.raises(Said, match="Connection limit"):
        list(HIVE.describe[EntityType.TABLE](session, [descriptor], Wants()))


def test_a_database_that_cannot_be_described_costs_itself_alone():
    def descriptor(name):
        return EntityDescriptor(
            EntityType.DATABASE_SCHEMA, f"svc.default.{name}", "svc.default", "default", {"name": name}
        )  # fmt: skip

    session = Recorded("Impala", "4.4")
    session.answers = {
        "DESCRIBE DATABASE EXTENDED `A`": [("a", "/x", "Of a")],
        "DESCRIBE DATABASE EXTENDED `B`": Said("AuthorizationException: no", "", "b", "u"),
        "DESCRIBE DATABASE EXTENDED `C`": Said("AnalysisException: Database does not exist: c"),
    }
    describe = HIVE.describe[EntityType.DATABASE_SCHEMA]
    found, failed = sort(describe(session, list(map(descriptor, "abc")), Wants()))
    assert found["svc.default.a"].description == "Of a"
    assert {key: type(why) for key, why in failed.items()} == {
        "svc.default.b": Denied,
        "svc.default.c": Gone,
    }
    with pytest.raises(Said, match="cannot recognize"):
        list(describe(session, [descriptor("d")], Wants()))


def test_what_a_mask_marks_is_missing():
    texts = Answer(stringVal=Answer(values=[b"a", b"", b""], nulls=b"\x02"))
    numbers = Answer(stringVal=None, boolVal=None, byteVal=None, i16Val=None,
                     i32Val=Answer(values=[0, 1, 2], nulls=b"\x01"))  # fmt: skip
    assert rows(Answer(columns=[texts, numbers])) == [("a", None), (None, 1), ("", 2)]


class Pages:
    """A client whose answer comes in pages, or breaks off."""

    def __init__(self, *pages):
        self.pages, self.closed = list(pages), False

    def ExecuteStatement(self, request):  # noqa: N802
        return Answer(status=Answer(statusCode=0), operationHandle=Answer(hasResultSet=True))

    def GetOperationStatus(self, request):  # noqa: N802
        return Answer(status=Answer(statusCode=0), operationState=2)

    def FetchResults(self, request):  # noqa: N802
        page, more = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        values = Answer(values=[each.encode() for each in page], nulls=b"")
        columns = [Answer(stringVal=values)] if page else []
        return Answer(
            status=Answer(statusCode=0), results=Answer(columns=columns), hasMoreRows=more
        )

    def CloseOperation(self, request):  # noqa: N802
        self.closed = True


def session_with(client):
    pytest.importorskip("impala")
    return HiveSession(client, None, database="d", schema=None, user="u", beside=lambda: None)


@pytest.mark.parametrize("more", [True, False])
def test_an_answer_ends_where_the_server_says_so(more):
    """Impala sends empty pages before others; Hive says of every page that it is the last one."""
    pages = [([], True), (["a"], more), (["b"], more), ([], False)]
    client = Pages(*(pages if more else pages[1:]))
    assert session_with(client).rows("show tables") == [("a",), ("b",)]
    assert client.closed


def test_what_is_refused_over_http_breaks_no_line():
    """What is asked afterwards is closed again: else each statement would stay open at the server."""
    client = Pages((Throttled("HTTP 429"), True), (["a"], True), ([], False))
    session = session_with(client)
    with pytest.raises(Throttled):
        session.rows("show tables")
    assert client.closed
    client.closed = False
    assert session.rows("show tables") == [("a",)]
    assert client.closed


def test_half_an_answer_is_none():
    client = Pages((["a"], True), (ConnectionError("cut"), True))
    session = session_with(client)
    with pytest.raises(ConnectionError):
        session.rows("show tables")
    assert not client.closed  # nothing is said on a line that is broken
