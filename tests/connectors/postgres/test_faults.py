"""What goes wrong is told apart, named with the next move, and never shows a secret."""

import logging
import os
import pickle
import signal
import socket
import sys
import threading
import traceback

import pytest

from rayingest import errors
from rayingest.connectors.database.postgres import CONNECTOR, PostgresConnection
from rayingest.core.source import EntityDescriptor
from rayingest.model import EntityType

CANARY = "CANARY-s3cr3t@/:"


def open_and_close(probe, **changes):
    with probe.open(**changes):
        pass


@pytest.fixture(scope="module")
def one(make):
    return make("one", "create table t (i int)")


def test_a_wrong_password_is_unauthorised(one):
    with pytest.raises(errors.Unauthorised, match="postgres") as caught:
        open_and_close(one, authType={"password": CANARY})
    assert "authType" in caught.value.hint


def test_an_unknown_user_is_unauthorised(one):
    with pytest.raises(errors.Unauthorised):
        open_and_close(one, username="nobody_we_know")


def test_a_host_that_is_down_is_unreachable_and_named(one):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(errors.Unreachable, match=where):
            open_and_close(one, hostPort=where)


def test_a_missing_database_is_named_with_a_way_to_list_them(one):
    with pytest.raises(errors.Unreachable, match="'nothing_here'") as caught:
        open_and_close(one, database="nothing_here")
    assert "psql -l" in caught.value.hint


def test_an_unknown_option_is_the_configs_fault(one):
    with pytest.raises(errors.ConfigError, match="nonsense"):
        open_and_close(one, connectionOptions={"nonsense": "1"})


def test_encryption_that_the_server_does_not_offer_is_unreachable(one):
    with pytest.raises(errors.Unreachable, match="SSL"):
        open_and_close(one, sslMode="require")


def test_azure_without_its_package_is_a_clear_refusal(one, monkeypatch):
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(errors.ConfigError, match="azure-identity"):
        open_and_close(one, authType={"azureConfig": {"clientId": "x"}})


def test_entra_that_does_not_answer_is_named(one, monkeypatch):
    pytest.importorskip("azure.identity")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    whole = {"clientId": "c", "clientSecret": CANARY, "tenantId": "t"}
    with pytest.raises(errors.Unreachable, match="Entra ID does not answer") as caught:
        open_and_close(one, authType={"azureConfig": whole})
    assert CANARY not in str(caught.value)


def test_half_of_azures_credentials_are_refused_before_anybody_is_asked(one):
    pytest.importorskip("azure.identity")
    with pytest.raises(errors.ConfigError, match="not all of clientId and tenantId"):
        open_and_close(one, authType={"azureConfig": {"clientId": "c", "clientSecret": CANARY}})


def test_aws_without_its_package_names_the_extra(one, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(errors.MissingDriver, match="boto3"):
        open_and_close(one, authType={"awsConfig": {"awsRegion": "eu-west-1"}})


def test_a_plain_password_and_a_scheme_are_accepted(one):
    changes = {"authType": None, "password": one.server.password}
    open_and_close(one, scheme="postgresql+psycopg2", **changes)


def test_the_session_is_read_only_and_says_who_it_is(one):
    with one.open(connectionArguments={"options": "-c work_mem=7MB"}, call_timeout=5) as source:
        (session,) = source._idle
        shown = {
            name: session.rows(f"show {name}")[0][0]
            for name in (
                "default_transaction_read_only",
                "statement_timeout",
                "search_path",
                "application_name",
                "work_mem",
            )
        }
        assert shown == {
            "default_transaction_read_only": "on",
            "statement_timeout": "5s",
            "search_path": "",
            "application_name": "rayingest",
            "work_mem": "7MB",
        }


def test_no_secret_in_messages_reprs_descriptors_or_logs(one, caplog):
    caplog.set_level(logging.DEBUG)
    texts = []
    for changes in (
        {"authType": {"password": CANARY}},
        {"authType": None, "password": CANARY},
        {"authType": {"password": CANARY}, "hostPort": "127.0.0.1:1"},
        {"authType": {"password": CANARY}, "connectionOptions": {"sslpassword": CANARY, "x": "y"}},
        {"authType": {"azureConfig": {"clientSecret": CANARY, "clientId": "c"}}},
    ):
        settings = one.settings(**changes)
        texts += [repr(settings), str(settings.connection)]
        with pytest.raises(errors.RayingestError) as caught:
            open_and_close(one, **changes)
        error = caught.value
        texts += [repr(error), str(error), str(error.hint)]
        texts += traceback.format_exception(error)
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))
        results = list(CONNECTOR.check(settings))
        assert results[0].status == "failed"
        texts.append(repr(results))
    secret = one.server.password
    texts += [repr(each) for each in one.listing()] + [repr(one.server), caplog.text]
    assert not [text for text in texts if CANARY in text or secret in text]


def test_the_connector_and_its_settings_pickle(one):
    again = pickle.loads(pickle.dumps((CONNECTOR, one.settings)))
    assert (again[0].service_type, again[0].connection) == ("Postgres", CONNECTOR.connection)
    assert again[0].facts.describe == CONNECTOR.facts.describe
    assert again[1]().connection == one.settings().connection


def test_a_connection_cut_in_mid_batch_is_a_lost_session_and_the_next_call_has_a_new_one(one):
    tables = one.descriptors(EntityType.TABLE)
    with one.open() as source:
        list(source.process_entities(tables))
        (session,) = source._idle
        calls = source.calls
        with one.server.connect() as other:
            other.execute("select pg_terminate_backend(%s)", [session.connection.info.backend_pid])
        with pytest.raises(errors.SessionLost):
            list(source.process_entities(tables))
        (described,) = source.process_entities(tables)
        assert described.entities[0].name == "t"
        assert source.calls > calls


def test_cancel_breaks_off_a_waiting_statement_from_another_thread(make):
    probe = make("locked", "create table t (i int); create view v as select i from t")
    views = [each for each in probe.descriptors(EntityType.TABLE) if each.metadata["kind"] == "v"]
    with probe.server.connect("locked") as other, probe.open(call_timeout=25) as source:
        (session,) = source._idle
        other.execute("begin; lock table v in access exclusive mode; lock table t")
        caught = []

        def work():
            try:
                list(source.process_entities(views))
            except errors.RayingestError as error:
                caught.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        wait_until_blocked(probe, session.connection.info.backend_pid)
        source.cancel()
        thread.join(10)
        assert not thread.is_alive()
        other.execute("rollback")
        assert isinstance(caught[0], errors.TimedOut)
        (described,) = source.process_entities(views)
        assert described.entities[0].name == "v"


def test_cancel_hangs_up_on_a_server_that_does_not_listen(one):
    tables = one.descriptors(EntityType.TABLE)
    with one.open() as source:
        (session,) = source._idle
        backend = session.connection.info.backend_pid
        caught = []

        def work():
            try:
                list(source.process_entities(tables))
            except errors.RayingestError as error:
                caught.append(error)

        os.kill(backend, signal.SIGSTOP)
        try:
            thread = threading.Thread(target=work)
            thread.start()
            while session not in source._busy or session.calls < 4:
                thread.join(0.01)
            source.cancel()
            thread.join(10)
        finally:
            os.kill(backend, signal.SIGCONT)
        assert [type(error) for error in caught] == [errors.SessionLost]
        (described,) = source.process_entities(tables)
        assert described.entities[0].name == "t"


def wait_until_blocked(probe, pid):
    with probe.server.connect() as connection:
        query = "select pg_catalog.cardinality(pg_catalog.pg_blocking_pids(%s)) > 0"
        for _ in range(2000):
            if connection.execute(query, [pid]).fetchone()[0]:
                return
            connection.execute("select pg_sleep(0.005)")
    raise AssertionError("the statement did not block")


def test_a_statement_that_takes_too_long_times_out(make):
    probe = make("slow", "create table t (i int); create view v as select i from t")
    views = [each for each in probe.descriptors(EntityType.TABLE) if each.metadata["kind"] == "v"]
    with probe.server.connect("slow") as other, probe.open(call_timeout=0.2) as source:
        other.execute("begin; lock table v in access exclusive mode; lock table t")
        with pytest.raises(errors.TimedOut):
            list(source.process_entities(views))
        other.execute("rollback")


def test_permission_on_one_schema_only_reads_all_metadata_and_check_names_the_grants(make):
    probe = make(
        "limited",
        "create schema mine; create schema theirs; create table mine.a (i int);"
        "create table theirs.b (i int); create view theirs.v as select * from theirs.b;"
        "do $$ begin create role reader login password 'r'; exception when duplicate_object "
        "then null; end $$; grant usage on schema mine to reader;"
        "revoke connect on database postgres from public",
    )
    reader = {"username": "reader", "authType": {"password": "r"}}
    assert set(probe.entities(EntityType.TABLE, **reader)) == {
        "svc.limited.mine.a",
        "svc.limited.theirs.b",
        "svc.limited.theirs.v",
    }
    results = list(CONNECTOR.check(probe.settings(ingestAllDatabases=True, **reader)))
    assert {(each.status, each.grant) for each in results if each.status != "ok"} == {
        ("warning", "GRANT USAGE ON SCHEMA theirs TO reader;"),
        ("denied", "GRANT CONNECT ON DATABASE postgres TO reader;"),
    }
    with probe.open(ingestAllDatabases=True, **reader) as source:
        listed = source.discover_entities(EntityType.DATABASE)
        names = {each.id for each in listed if isinstance(each, EntityDescriptor)}
    assert "svc.postgres" not in names
    with pytest.raises(errors.Denied) as caught:
        open_and_close(probe, **(reader | {"database": "postgres"}))
    assert caught.value.hint == 'GRANT CONNECT ON DATABASE "postgres" TO "reader";'
    with probe.server.connect() as connection:
        connection.execute("grant connect on database postgres to public")


def test_a_catalogue_closed_to_us_is_denied_for_that_capability_only(make):
    probe = make(
        "closed_catalogue",
        "do $$ begin create role reader login password 'r'; exception when duplicate_object "
        "then null; end $$; create table t (i int);"
        "revoke select on pg_catalog.pg_policy from public",
    )
    reader = {"username": "reader", "authType": {"password": "r"}}
    results = {each.capability: each for each in CONNECTOR.check(probe.settings(**reader))}
    assert results["tags"].status == "denied"
    assert "pg_policy" in results["tags"].grant
    assert results["columns"].status == "ok"
    with pytest.raises(errors.Denied, match="pg_policy"):
        probe.entities(EntityType.TABLE, **reader)


def test_one_unreadable_view_fails_alone_when_the_batch_is_cut_down(make):
    # A damaged view: its rule speaks of a table that no longer exists.
    probe = make(
        "broken",
        "create table t (i int); create view good as select i from t;"
        "create table lost (i int); create view other as select i from lost;"
        "create view bad as select i from t; set allow_system_table_mods = on;"
        "update pg_rewrite set ev_action = (select ev_action from pg_rewrite "
        "where ev_class = 'other'::regclass) where ev_class = 'bad'::regclass",
        "drop table lost cascade",
    )
    tables = probe.descriptors(EntityType.TABLE)
    with probe.open() as source:
        with pytest.raises(errors.SourceError):
            list(source.process_entities(tables))
        assert source._idle, "the session survives an error of one entity"
        read, failed = set(), set()
        for each in tables:
            try:
                read |= {described.descriptor.id for described in source.process_entities([each])}
            except errors.Permanent:
                failed.add(each.id)
    assert failed == {"svc.broken.public.bad"}
    assert read == {"svc.broken.public.good", "svc.broken.public.t"}


def test_every_field_of_openmetadatas_connection_is_accepted():
    wire = {
        "type": "Postgres",
        "scheme": "postgresql+psycopg2",
        "username": "om",
        "authType": {"password": "x"},
        "hostPort": "127.0.0.1:5432",
        "database": "shop",
        "ingestAllDatabases": False,
        "schemaFilterPattern": {"includes": [], "excludes": ["^information_schema$"]},
        "databaseFilterPattern": {"includes": [], "excludes": ["^template1$", "^template0$"]},
        "sslMode": "disable",
        "classificationName": "PostgresPolicyTags",
        "queryStatementSource": "pg_stat_statements",
        "connectionArguments": {"sslmode": "disable"},
        "supportsMetadataExtraction": True,
        "supportsUsageExtraction": True,
        "supportsLineageExtraction": True,
        "supportsDBTExtraction": True,
        "supportsProfiler": True,
        "supportsDatabase": True,
        "supportsQueryComment": True,
        "supportsDataDiff": True,
    }
    assert PostgresConnection.model_validate(wire).database == "shop"


def test_pem_text_becomes_private_files_that_do_not_stay(one, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    pem = "-----BEGIN CERTIFICATE-----\nCANARY\n-----END CERTIFICATE-----\n"
    with pytest.raises(errors.Unreachable):
        open_and_close(one, sslMode="verify-full", sslConfig={"caCertificate": pem})
    assert list(tmp_path.iterdir()) == []
