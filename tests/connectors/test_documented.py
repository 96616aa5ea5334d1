"""What holds for each database of which there is but the documentation: their drivers and dialects are real."""

import json
import socket
import threading
from contextlib import contextmanager

import pytest

from rayingest.errors import Unauthorised, Unreachable
from rayingest.kit.sql.known import Known
from rayingest.kit.sql.origins import Origins, origins
from rayingest.kit.sql.reflected import session
from rayingest.kit.sql.reflected.session import open_session
from rayingest.model import EntityType
from rayingest.testing.probe import Probe

from .db2.bed import DOCUMENTED as DB2
from .duck import FACETS
from .exasol.bed import DOCUMENTED as EXASOL
from .saphana.bed import DOCUMENTED as SAPHANA
from .teradata.bed import DOCUMENTED as TERADATA
from .vertica.bed import DOCUMENTED as VERTICA

sa = pytest.importorskip("sqlalchemy")

ALL = {each.name: each for each in (EXASOL, TERADATA, SAPHANA, DB2, VERTICA)}
SCHEMAS = {
    "exasol": "exasol",
    "teradata": "teradata",
    "saphana": "sapHana",
    "db2": "db2",
    "vertica": "vertica",
}
DROPPED = {
    "exasol": "drop table sys.exa_all_constraint_columns",
    "teradata": "drop table dbc.indicesv",
    "saphana": "drop table sys.referential_constraints",
    "db2": "drop table syscat.tabconst",
    "vertica": "drop table v_catalog.primary_keys",
}
DRIVERS = {
    "exasol": "pyexasol",
    "teradata": "teradatasql",
    "saphana": "hdbcli",
    "db2": "ibm_db",
    "vertica": "sqla_vertica_python.vertica_python",  # it warns when it is compiled
}


@pytest.fixture(params=ALL)
def documented(request):
    pytest.importorskip(DRIVERS[request.param])
    return ALL[request.param]


def at(documented, port):
    """The settings with another address."""
    address = f"127.0.0.1:{port}"
    inner = documented.config.get("connection")
    changed = {"connection": {**inner, "hostPort": address}} if inner else {"hostPort": address}
    return Probe(documented.connector, documented.config).settings(**changed)


@contextmanager
def hanging_up():
    """A server that ends every connection before a word is said."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def refused(documented, port):
    with pytest.raises(Unreachable, match=r"at 127\.0\.0\.1\S* does not answer") as caught:
        open_session(at(documented, port), documented.name, documented.how.connect, "story")
    text = str(caught.value)
    assert "canary" not in text
    assert "gosqldriver" not in text
    return text


def test_nobody_listens(documented):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    refused(documented, port)


def test_a_server_that_hangs_up_is_not_reached(documented):
    with hanging_up() as port:
        refused(documented, port)


@pytest.mark.parametrize("facet", FACETS)
def test_names_go_to_the_driver_apart_from_the_statement(documented, facet):
    """Whatever is in them; all drivers take values by position. Vertica's own tests ask what its makes of them."""
    style, text, values = documented.hostile(facet)
    assert text.count({"qmark": "?", "format": "%s"}[style]) == len(values)
    assert bool(values) == (facet != "schemas")
    assert "plain" not in text


def test_openmetadatas_yaml_works_unchanged(documented, contracts):
    folder = contracts / "openmetadata/schemas/entity/services/connections/database"
    schema = json.loads((folder / f"{SCHEMAS[documented.name]}Connection.json").read_text())
    model = documented.connector.connection
    assert set(schema["properties"]) <= set(model.model_fields)
    assert set(schema["required"]) == {
        name for name, field in model.model_fields.items() if field.is_required()
    }


def test_check_tells_what_was_found(documented, tmp_path):
    probe = documented.probe(tmp_path / "empty.duckdb")
    results = list(probe.connector.check(probe.settings()))
    asked = ["connect", "schemas", "tables", "columns", "keys", "comments", "views"]
    assert [(each.capability, each.status) for each in results] == [(each, "ok") for each in asked]


def test_check_names_what_cannot_be_read(documented, tmp_path):
    probe = documented.probe(tmp_path / "bare.duckdb", DROPPED[documented.name])
    results = {each.capability: each.status for each in probe.connector.check(probe.settings())}
    assert [each for each, status in results.items() if status != "ok"] == ["keys"]


def test_a_missing_right_is_told_with_what_to_grant(documented):
    texts = {
        "exasol": "insufficient privileges for using schema SYS (Session: 1)",
        "teradata": "[Error 3523] The user does not have SELECT access to DBC.TablesV.",
        "saphana": "(258, 'insufficient privilege: Not authorized')",
        "db2": 'SQL0551N  "U" does not have the required authorization or privilege',
        "vertica": "Severity: ERROR, Message: Permission denied for schema s, Sqlstate: 42501",
    }
    error = sa.exc.ProgrammingError("select", {}, Exception(texts[documented.name]))
    known = documented.connector.facts.classify(error)
    assert type(known).__name__ == "Denied"
    assert "GRANT" in known.hint


def test_a_wrong_password_is_told_and_not_shown(documented):
    """In the words that the vendors document; Exasol's client says them over a socket in its own tests."""
    texts = {
        "exasol": "Connection exception - authentication failed. (canary-horse)",
        "teradata": "[Error 8017] The UserId, Password or Account is invalid. (canary-horse)",
        "saphana": "(10, 'authentication failed') canary-horse",
        "db2": "SQL30082N  Security processing failed with reason 24 (USERNAME AND/OR PASSWORD INVALID). canary-horse",
        "vertica": "Severity: FATAL, Message: Invalid username or password, Sqlstate: 28000 (canary-horse)",
    }
    how = documented.how.connect(at(documented, 1))
    error = sa.exc.OperationalError(None, None, Exception(texts[documented.name]))
    known = session._refused(error, how.url, documented.name, how.where)
    assert isinstance(known, Unauthorised)
    assert "canary" not in str(known)


def test_an_emptied_catalogue_lists_nothing(documented, tmp_path):
    probe = documented.probe(tmp_path / "empty.duckdb")
    assert probe.descriptors(EntityType.TABLE) == []


@pytest.mark.parametrize("name", ["teradata", "vertica"])
def test_views_may_name_columns_in_any_case_also_between_quotes(name):
    known = Known({"svc.d.s.Book": ("Id",)}, {"svc.d.s.book": "svc.d.s.Book"})
    text = 'create view s.v as select "B"."ID" from "S".BOOK b'
    told = origins(text, "svc.d.s.v", ALL[name].connector.dialect, known)
    assert told == Origins(("svc.d.s.Book",), (("svc.d.s.Book.Id",),))
