"""Policy tags: the names of the Data Catalog, served as Google documents its answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from rayingest.connectors.database.bigquery import CONNECTOR
from rayingest.core.limits import UNLIMITED
from rayingest.errors import Retryable
from rayingest.kit.sql.bigquery import check, policies
from rayingest.kit.sql.bigquery.connect import _http
from rayingest.kit.sql.bigquery.session import BigQuerySession
from rayingest.testing.probe import Probe

HERE = "projects/p/locations/us/taxonomies/1"
TAGS = [
    {"name": f"{HERE}/policyTags/{n}", "displayName": f"Tag {n}", "description": "d" * (n % 2)}
    for n in range(5)
]


class Catalogue:
    def __init__(self):
        self.asked, self.error, self.url = [], 0, ""

    def answer(self, path, query):
        if self.error:
            reason = {403: "forbidden", 503: "backendError"}[self.error]
            told = {"message": "it says why", "errors": [{"reason": reason}]}
            return self.error, {"error": {"code": self.error, **told}}
        if path.endswith("/taxonomies"):
            return 200, {"taxonomies": [{"name": HERE, "displayName": "Secrecy"}]}
        if path == f"/{HERE}":
            return 200, {"name": HERE, "displayName": "Secrecy"}
        if path == f"/{HERE}/policyTags":
            assert query["pageSize"] == ["1000"]
            start = int(query.get("pageToken", ["0"])[0])
            rest = {"nextPageToken": str(start + 2)} if start + 2 < len(TAGS) else {}
            return 200, {"policyTags": TAGS[start : start + 2], **rest}
        return 404, {"error": {"code": 404, "message": "Not found"}}


@pytest.fixture
def catalogue(monkeypatch):
    pytest.importorskip("google.auth")
    pytest.importorskip("google.cloud.bigquery")
    made = Catalogue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            made.asked.append(parts.path)
            code, told = made.answer(parts.path, parse_qs(parts.query))
            body = json.dumps(told).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(policies, "URL", made.url)
    monkeypatch.setattr(check, "URL", made.url)
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def session(catalogue):
    from google.auth.credentials import AnonymousCredentials

    web = _http(AnonymousCredentials(), 5)
    with web:
        yield BigQuerySession(None, "p", seconds=5, limiter=UNLIMITED, emulated=False, web=web)


def test_names_are_found_and_a_taxonomy_is_asked_for_once(catalogue, session):
    found = policies.Policies(session)
    told = found.tags([TAGS[4]["name"], TAGS[1]["name"], f"{HERE}/policyTags/gone"])
    assert [(each.classification, each.name, each.description) for each in told] == [
        ("Secrecy", "Tag 4", None),
        ("Secrecy", "Tag 1", "d"),
    ]
    assert found.tags([TAGS[0]["name"]])[0].name == "Tag 0"
    assert len(catalogue.asked) == 1 + 3
    assert session.calls == 4
    assert found.tags([]) == ()


def test_what_the_account_may_not_see_has_no_tags_and_what_is_down_is_asked_again(
    catalogue, session
):
    catalogue.error = 403
    assert policies.Policies(session).tags([TAGS[0]["name"]]) == ()
    assert policies.Policies(session).tags([f"{HERE}0/policyTags/1"]) == ()
    catalogue.error = 503
    with pytest.raises(Retryable):
        policies.Policies(session).tags([TAGS[0]["name"]])


def test_check_tells(catalogue, session):
    config = {"credentials": {"gcpConfig": {"projectId": "p"}}, "taxonomyProjectID": ["p", "q"]}
    connection = Probe(CONNECTOR, config).settings().connection
    told = list(check._policies(session, connection))
    assert [each.status for each in told] == ["ok", "ok"]
    assert catalogue.asked == [f"/projects/{each}/locations/us/taxonomies" for each in "pq"]
    catalogue.error = 403
    denied, _ = check._policies(session, connection)
    assert denied.status == "warning"
    assert "datacatalog.taxonomies.get" in denied.grant
