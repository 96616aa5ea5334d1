"""Objects in Google Cloud Storage, by fake-gcs-server: the same tables as elsewhere, and what is refused."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

import httpx2
import pytest

from rayingest.connectors.database.datalake import CONNECTOR
from rayingest.errors import ConfigError, Gone
from rayingest.model import EntityType
from rayingest.testing.probe import Probe, sort
from rayingest.testing.servers import fake_gcs

from ..aws import needed
from .story import library

SCHEMA, TABLE = EntityType.DATABASE_SCHEMA, EntityType.TABLE


class Tokens(BaseHTTPRequestHandler):
    """Gives everybody a token."""

    def do_POST(self):
        body = json.dumps({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def tokens():
    server = HTTPServer(("127.0.0.1", 0), Tokens)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def google():
    needed("gcsfs")
    if why := fake_gcs.ENVIRONMENT.available():
        pytest.skip(why)
    with fake_gcs.server() as url:
        put(url, library())
        yield url


def put(url, files, bucket="lake"):
    httpx2.post(f"{url}/storage/v1/b?project=p", json={"name": bucket})
    for key, content in files.items():
        place = f"{url}/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}"
        assert httpx2.post(place, content=content).is_success


@pytest.fixture
def probe(google, tokens, monkeypatch):
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", google)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    account = {
        "type": "service_account",
        "projectId": "p",
        "privateKey": pem.decode(),
        "clientEmail": "reader@p.iam.gserviceaccount.com",
        "tokenUri": tokens,
    }
    source = {"securityConfig": {"gcpConfig": account}}
    return Probe(CONNECTOR, {"configSource": source, "bucketName": "lake"})


def test_the_same_library_as_in_a_folder(probe, local):
    remote = {each.name: each for each in probe.entities(TABLE).values()}
    here = {each.name: each for each in local(library()).entities(TABLE).values()}
    assert {name: each.columns for name, each in remote.items()} == {
        name: each.columns for name, each in here.items()
    }
    assert remote["loan"].location_path == "gs://lake/loan"
    probe.agree(TABLE)


def test_all_buckets_are_schemas(probe):
    assert list(probe.entities(SCHEMA, bucketName="")) == ["svc.default.lake"]


def test_what_is_not_there(google, probe):
    with probe.open(bucketName="none") as source, pytest.raises(ConfigError, match="none"):
        list(source.discover_entities(EntityType.DATABASE))
    put(google, {"gone.csv": b"a\n1\n"})
    (gone,) = [each for each in probe.descriptors(TABLE) if each.metadata["name"] == "gone.csv"]
    httpx2.delete(f"{google}/storage/v1/b/lake/o/gone.csv")
    with probe.open() as source:
        found, failed = sort(source.process_entities([gone]))
    assert not found
    assert [type(each) for each in failed.values()] == [Gone]


def test_check_and_calls(probe):
    lines = [(each.capability, each.status) for each in CONNECTOR.check(probe.settings())]
    assert lines == [("connect", "ok"), ("tables", "ok"), ("columns", "ok")]
    tables = probe.descriptors(TABLE)
    with probe.open() as source:
        assert len(sort(source.process_entities(tables))[0]) == 6
        assert source.calls == 6
