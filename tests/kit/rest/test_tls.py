"""Whom a session trusts: the user's authority, and nobody else's."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stamina
from pydantic import SecretStr

from rayingest.config.connection import SslConfig
from rayingest.config.server import VerifySsl
from rayingest.errors import ConfigError, Unreachable
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.tls import trust

from ...sinks.certificates import authority, signed_by

pytest.importorskip("cryptography")


class Good(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        shown = self.connection.getpeercert()  # type: ignore[attr-defined] # it is a SSLSocket
        self.wfile.write(b"mine" if shown else b"good")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server that shows a certificate and wants one, and files of who signed which."""
    folder = tmp_path_factory.mktemp("tls")
    right, wrong = authority("right"), authority("wrong")
    files = {"right": right[1], "wrong": wrong[1], "ours": signed_by(right)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ours")
    context.load_verify_locations(folder / "right")
    context.verify_mode = ssl.CERT_OPTIONAL
    with ThreadingHTTPServer(("127.0.0.1", 0), Good) as serving:
        serving.daemon_threads = True
        serving.handle_error = lambda *_: None  # type: ignore[method-assign] # who trusts it not goes
        serving.socket = context.wrap_socket(serving.socket, server_side=True)
        threading.Thread(target=serving.serve_forever, args=(0.02,), daemon=True).start()
        stamina.set_testing(True, attempts=1)
        yield SimpleNamespace(url=f"https://127.0.0.1:{serving.server_port}/", folder=folder)
        stamina.set_testing(False)
        serving.shutdown()


def asked(url: str, verify: VerifySsl, tls: SslConfig | None) -> bytes:
    http = Http(timeout=5, verify=trust(verify, tls))
    try:
        return http.request("GET", url).content
    finally:
        http.close()


def ca(told: str) -> SslConfig:
    return SslConfig(caCertificate=SecretStr(told))


@pytest.mark.parametrize("verify", [VerifySsl.VALIDATE, VerifySsl.NO_SSL])
def test_the_given_authority_is_trusted_as_a_path_or_as_text(there: Any, verify: VerifySsl) -> None:
    path: Path = there.folder / "right"
    for told in (str(path), path.read_text()):
        assert asked(there.url, verify, ca(told)) == b"good"


@pytest.mark.parametrize("tls", [None, "wrong"])
def test_nobody_else_is_and_that_is_said(there: Any, tls: str | None) -> None:
    given = ca(str(there.folder / tls)) if tls else None
    with pytest.raises(Unreachable, match=r"certificate of .* is not trusted") as caught:
        asked(there.url, VerifySsl.NO_SSL, given)
    assert "sslConfig" in str(caught.value.hint)


def test_who_ignores_trusts_anybody(there: Any) -> None:
    for given in (None, SslConfig(), ca(str(there.folder / "wrong"))):
        assert asked(there.url, VerifySsl.IGNORE, given) == b"good"


def test_a_certificate_of_our_own_is_shown(there: Any) -> None:
    pem = SecretStr((there.folder / "ours").read_text())
    right = SecretStr(str(there.folder / "right"))
    tls = SslConfig(caCertificate=right, sslCertificate=pem, sslKey=pem)
    assert asked(there.url, VerifySsl.VALIDATE, tls) == b"mine"


@pytest.mark.parametrize("told", ["/no/such/file.pem", "-----BEGIN CERTIFICATE-----\nxyz"])
def test_what_is_no_certificate_is_a_config_error(told: str) -> None:
    with pytest.raises(ConfigError, match="sslConfig") as caught:
        trust(VerifySsl.VALIDATE, ca(told))
    assert caught.value.hint
