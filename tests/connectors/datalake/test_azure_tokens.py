"""Tokens for Azure: Azurite behind TLS looks at their claims; who gives them out is ours, asked by azure-identity itself."""

import json
import ssl
import threading
import time
from base64 import urlsafe_b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from rayingest.connectors.database.datalake import CONNECTOR
from rayingest.errors import Unauthorised, Unreachable
from rayingest.kit.storage import azure
from rayingest.model import EntityType
from rayingest.testing.probe import Probe
from rayingest.testing.servers import azurite

from ...sinks.certificates import authority, signed_by
from ..aws import needed

pytestmark = pytest.mark.slow
SECRET = "canary-of-a-client"  # noqa: S105
AUDIENCE = "https://storage.azure.com"


def token(audience=AUDIENCE, lasts=3600):
    """Signed by nobody: Azurite looks at what it says."""
    now = int(time.time())
    claims = {"aud": audience, "iss": "https://sts.windows.net/t/", "iat": now, "nbf": now - 5}
    parts = ({"alg": "none", "typ": "JWT"}, {**claims, "exp": now + lasts}, "none")
    return ".".join(
        urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts
    )


class Entra:
    """Gives out `token`: to a client with its secret, and to whoever asks as a managed identity. `asked` are scopes."""

    def __init__(self):
        self.url, self.token, self.asked = "", token(), []

    def answer(self, method, path, form):
        if path.endswith("openid-configuration"):
            place = f"{self.url}/adfs"
            return 200, {
                "issuer": place,
                "authorization_endpoint": f"{place}/authorize",
                "token_endpoint": f"{place}/token",
            }
        given = {"access_token": self.token, "token_type": "Bearer", "expires_in": 3600}
        if method == "GET":
            self.asked.append(path.partition("resource=")[2])
            return 200, {**given, "expires_on": str(int(time.time()) + 3600), "resource": AUDIENCE}
        self.asked += form["scope"]
        if form["client_secret"] == [SECRET]:
            return 200, given
        return 401, {"error": "invalid_client", "error_description": "Invalid client secret."}


@contextmanager
def entra(certificate):
    world = Entra()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            form = parse_qs(self.rfile.read(int(self.headers.get("content-length") or 0)).decode())
            status, told = world.answer(self.command, self.path, form)
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    world.url = f"https://127.0.0.1:{server.server_port}"
    yield world
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """An Azurite behind TLS, its key and certificate, and the authority that vouches for both."""
    needed("azure.storage.blob")
    if why := azurite.ENVIRONMENT.available():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("tls")
    ours, pem, trusted = authority("ours"), folder / "server.pem", folder / "authority.pem"
    pem.write_bytes(signed_by(ours))
    trusted.write_bytes(ours[1])
    with azurite.server("--cert", str(pem), "--key", str(pem), "--oauth", "basic") as running:
        yield running, pem, trusted


@pytest.fixture
def world(secured, monkeypatch):
    server, pem, trusted = secured
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    monkeypatch.setattr(
        azure, "RETRIES", {**azure.RETRIES, "random_jitter_range": 0, "increment_base": 0}
    )
    monkeypatch.setenv(azure.CONNECTION, f"AccountName={server.account};BlobEndpoint={server.url}")
    with server.client as client:
        if not client.get_container_client("lake").exists():
            client.create_container("lake").upload_blob("a.csv", b"a,b\n1,2\n")
    with entra(pem) as running:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", running.url)
        yield running


def probe(**principal):
    source = {"securityConfig": {"accountName": azurite.ACCOUNT, **principal}}
    return Probe(CONNECTOR, {"configSource": source, "bucketName": "lake"})


def principal(secret=SECRET):
    # Of this tenant nobody else is asked whether the authority is one of Microsoft's.
    return probe(clientId="reader", clientSecret=secret, tenantId="adfs")


def identity(world, monkeypatch):
    """What Azure's App Service tells its programs."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{world.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    return probe()


def test_a_service_principal_reads(world):
    tables = principal().entities(EntityType.TABLE)
    assert list(tables) == ['svc.default.lake."a.csv"']
    assert f"{AUDIENCE}/.default" in world.asked[0]


def test_the_environments_identity_reads(world, monkeypatch):
    tables = identity(world, monkeypatch).entities(EntityType.TABLE)
    assert list(tables) == ['svc.default.lake."a.csv"']
    assert AUDIENCE.rpartition("/")[2] in world.asked[0]


def refused(given):
    with pytest.raises(Unauthorised) as caught, given.open() as source:
        list(source.discover_entities(EntityType.DATABASE))
    assert "canary" not in str(caught.value)
    return caught.value


def test_a_wrong_secret_is_not_quoted(world):
    assert "Invalid client secret" in str(refused(principal("canary-of-another")))


@pytest.mark.parametrize("given", [{"audience": "https://vault.azure.net"}, {"lasts": -60}])
def test_a_token_that_is_not_accepted_is_not_quoted(world, monkeypatch, given):
    world.token = token(**given)
    error = refused(identity(world, monkeypatch))
    assert world.token not in str(error)
    assert "expired" in error.hint


def test_without_a_token_nobody_is_asked_for_blobs(world, monkeypatch):
    for name in ("IDENTITY_ENDPOINT", "AZURE_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    assert "environment" in refused(probe()).hint


@pytest.fixture
def stranger(tmp_path):
    """An authority that vouches for nobody here."""
    path = tmp_path / "stranger.pem"
    path.write_bytes(authority("stranger")[1])
    return str(path)


def test_a_certificate_of_nobodys_is_not_accepted(world, monkeypatch, stranger):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", stranger)
    with pytest.raises(Unreachable) as caught, principal().open() as source:
        list(source.discover_entities(EntityType.DATABASE))
    assert "canary" not in str(caught.value)
    assert "certificate" in caught.value.hint
