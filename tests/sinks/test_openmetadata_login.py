"""Tokens, logins, headers, certificates."""

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from rayingest.core.source import CheckResult
from rayingest.errors import ConfigError, SinkUnauthorised
from rayingest.sinks.openmetadata import OpenMetadata, settings
from rayingest.sinks.openmetadata.auth import Token
from rayingest.sinks.openmetadata.settings import Login, Server, Tls
from rayingest.testing.catalogue import LOGIN, StrictCatalogue

from .certificates import authority, signed_by
from .world import DATABASE, SERVICE, openmetadata

BASIC = Login(kind="basic", email=LOGIN[0], password=SecretStr(LOGIN[1]))


def test_a_login_earns_a_token_and_renews_it(catalogue: StrictCatalogue) -> None:
    with openmetadata(catalogue, login=BASIC).open() as session:
        for entity in (SERVICE, DATABASE):
            row = session.encode(entity)
            (answer,) = session.write(row.type, [row])
            assert answer.outcome == "acknowledged"
            catalogue.expire_token()
    assert catalogue.stats["by"]["POST /users/login"] == 2


def test_threads_renew_a_token_once(catalogue: StrictCatalogue) -> None:
    with openmetadata(catalogue, login=BASIC).open() as session:
        row = session.encode(SERVICE)
        session.write(row.type, [row])
        catalogue.expire_token()
        threads = [threading.Thread(target=session.write, args=(row.type, [row])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert catalogue.stats["by"]["POST /users/login"] == 2


def test_a_wrong_password_is_said_without_saying_it(catalogue: StrictCatalogue) -> None:
    wrong = Login(kind="basic", email=LOGIN[0], password=SecretStr("wrong-canary"))
    with (
        openmetadata(catalogue, login=wrong).open() as session,
        pytest.raises(SinkUnauthorised, match=r"admin@open-metadata\.org") as caught,
    ):
        session.write("databaseService", [session.encode(SERVICE)])
    assert "canary" not in repr((caught.value, caught.value.__dict__))


class _Echo(BaseHTTPRequestHandler):
    """Remembers the headers it was sent, and plays a server of version 1.13."""

    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append(dict(self.headers))
        self.send_response(200)
        body = b'{"version": "1.13.0", "data": []}'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def echo() -> Any:
    server = HTTPServer(("127.0.0.1", 0), _Echo)
    _Echo.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _check(port: int, scheme: str = "http", **changes: Any) -> list[CheckResult]:
    given: dict[str, Any] = {
        "host_port": f"{scheme}://127.0.0.1:{port}/api",
        "login": Login(kind="token", token=SecretStr("secret-token")),
        **changes,
    }
    return list(OpenMetadata(server=Server(**given)).check())


def test_extra_headers_are_sent_and_may_repeat_the_token(echo: HTTPServer) -> None:
    headers = {
        "Proxy-Authorization": SecretStr("%(Authorization)s"),
        "X-Tenant": SecretStr("blue"),
    }
    results = _check(echo.server_port, headers=headers)
    assert {result.status for result in results} == {"ok"}
    assert _Echo.seen[0]["Proxy-Authorization"] == "Bearer secret-token"
    assert _Echo.seen[0]["Authorization"] == "Bearer secret-token"
    assert _Echo.seen[0]["X-Tenant"] == "blue"


def test_a_header_of_one_s_own_takes_the_place_of_a_token(echo: HTTPServer) -> None:
    given = {
        "hostPort": f"http://127.0.0.1:{echo.server_port}/api",
        "authProvider": "custom-oidc",
        "extraHeaders": {"Authorization": "Custom abc"},
    }
    assert [result.status for result in OpenMetadata(server=settings.server(given)).check()] == [
        "ok"
    ] * 3
    assert _Echo.seen[0]["Authorization"] == "Custom abc"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A CA, a server's certificate for 127.0.0.1 that it signed, and a CA that has not."""
    pytest.importorskip("cryptography")
    folder = tmp_path_factory.mktemp("tls")
    right, wrong = authority("right"), authority("wrong")
    server = signed_by(right)
    paths = SimpleNamespace(
        right=folder / "right.pem", wrong=folder / "wrong.pem", server=folder / "server.pem"
    )
    paths.right.write_bytes(right[1])
    paths.wrong.write_bytes(wrong[1])
    paths.server.write_bytes(server)
    return paths


@pytest.fixture
def https(certificates: SimpleNamespace, echo: HTTPServer) -> HTTPServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    echo.socket = context.wrap_socket(echo.socket, server_side=True)
    return echo


def test_https_is_verified_by_the_given_ca(https: HTTPServer, certificates: Any) -> None:
    path: Path = certificates.right
    for given in (str(path), path.read_text()):
        results = _check(https.server_port, "https", tls=Tls(ca=SecretStr(given)))
        assert {result.status for result in results} == {"ok"}


def test_https_is_refused_with_another_ca_or_none(https: HTTPServer, certificates: Any) -> None:
    for tls in (Tls(ca=SecretStr(str(certificates.wrong))), Tls()):
        (result,) = _check(https.server_port, "https", tls=tls)
        assert result.status == "failed"
        assert "not trusted" in (result.why or "")
        assert "caCertificate" in (result.grant or "")
    assert _Echo.seen == []


def test_https_is_not_verified_when_told_to_ignore(https: HTTPServer) -> None:
    given = {
        "hostPort": f"https://127.0.0.1:{https.server_port}/api",
        "authProvider": "openmetadata",
        "securityConfig": {"jwtToken": "x"},
        "verifySSL": "ignore",
    }
    results = OpenMetadata(server=settings.server(given)).check()
    assert {result.status for result in results} == {"ok"}


def test_a_key_may_be_text_or_a_path(https: HTTPServer, certificates: Any) -> None:
    pem = certificates.server.read_text()
    tls = Tls(ca=SecretStr(str(certificates.right)), certificate=SecretStr(pem), key=SecretStr(pem))
    assert {result.status for result in _check(https.server_port, "https", tls=tls)} == {"ok"}


def test_a_certificate_that_is_none_is_a_config_error() -> None:
    for broken in ("/no/such/file.pem", "-----BEGIN CERTIFICATE-----\nxyz"):
        (result,) = _check(9, "https", tls=Tls(ca=SecretStr(broken)))
        assert "sslConfig" in (result.why or "")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, "openMetadataServerConfig"),
        ({"hostPort": "localhost:8585"}, "URL"),
        ({"hostPort": "http://u:pw-canary@localhost/api"}, "user name or password"),
        ({"hostPort": "http://h/api", "authProvider": "okta"}, "'okta' is not supported"),
        ({"hostPort": "http://h/api", "authProvider": "openmetadata"}, "lacks its securityConfig"),
    ],
)
def test_what_cannot_work_is_refused_and_says_what_does(given: Any, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        settings.server(given)
    assert caught.value.hint
    assert "canary" not in repr(caught.value)


def test_a_version_that_nobody_tried_is_a_warning() -> None:
    with StrictCatalogue(version="1.4.1") as catalogue:
        results = {each.capability: each.status for each in openmetadata(catalogue).check()}
    assert results == {"sink": "ok", "sink version": "warning", "sink login": "ok"}


def test_a_token_is_renewed_before_its_end_and_by_its_refresh_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, asked = [1000.0], []

    def post(path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        asked.append(path)
        if body.get("refreshToken") == "stale":
            return None
        number = len(asked)
        refresh = "stale" if number == 2 else f"refresh-{number}"
        return {
            "accessToken": f"token-{number}",
            "refreshToken": refresh,
            "expiryDuration": 3600,
        }

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    token = Token(BASIC, post)
    shown = []
    for later in (0, 3000, 600, 3600):
        now[0] += later
        current = token.current()
        shown.append(current.get_secret_value() if current else None)
    assert shown == ["token-1", "token-1", "token-2", "token-4"]
    assert asked == ["/users/login", "/users/refresh", "/users/refresh", "/users/login"]
    assert "token-4" not in repr(vars(token))


@pytest.mark.parametrize("bad", ["new\nline", "ümlaut"])
def test_a_header_that_cannot_be_sent_is_refused_without_showing_it(bad: str) -> None:
    good = {"hostPort": "http://h/api", "securityConfig": {"jwtToken": "abc\n"}}
    assert settings.server(good).login.token == SecretStr("abc")
    for given in (
        {**good, "securityConfig": {"jwtToken": bad}},
        {**good, "extraHeaders": {"X-Key": bad}},
    ):
        with pytest.raises(ConfigError, match="character") as caught:
            settings.server(given)
        assert bad not in repr(caught.value)
