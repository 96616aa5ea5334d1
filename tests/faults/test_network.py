"""Between us and the catalogue: a proxy that wants to be asked, a certificate of the house's own authority."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rayingest.execute.surroundings import PROXIES, adopt, surroundings
from rayingest.testing import StrictCatalogue

from ..running import World
from ..sinks.certificates import authority, signed_by

HOST = "catalogue.example"  # a name that only the proxy can resolve
LOGIN = "user:canary-proxy-91ac"


def pump(one: socket.socket, other: socket.socket) -> None:
    """Bytes from one to the other until either ends."""
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for each in (one, other):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def joined(one: socket.socket, other: socket.socket) -> None:
    threading.Thread(target=pump, args=(one, other), daemon=True).start()
    pump(other, one)


@dataclass
class Server:
    """Something on a port of its own that handles connections in threads."""

    port: int = 0
    asked: list[str] = field(default_factory=list)

    def handle(self, client: socket.socket) -> None:
        raise NotImplementedError

    @contextmanager
    def serve(self) -> Iterator["Server"]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = listening.getsockname()[1]
            threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
            yield self
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            self.handle(client)


@dataclass
class Encrypted(Server):
    """TLS before a plain server."""

    to: int = 0
    context: ssl.SSLContext = field(default_factory=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def handle(self, client: socket.socket) -> None:
        with (
            self.context.wrap_socket(client, server_side=True) as inside,
            socket.create_connection(("127.0.0.1", self.to)) as server,
        ):
            joined(inside, server)


@dataclass
class Connecting(Server):
    """A CONNECT proxy (RFC 9110, 9.3.6) that wants a password; every name is the server at `to`."""

    to: int = 0

    def handle(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        first, *lines = head.decode("latin-1").split("\r\n")
        wanted = "Proxy-Authorization: Basic " + base64.b64encode(LOGIN.encode()).decode()
        if wanted.lower() not in (each.lower() for each in lines):
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        self.asked.append(first)
        with socket.create_connection(("127.0.0.1", self.to)) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            joined(client, server)


@dataclass
class Road:
    """The way to the catalogue, and the file of the authority that signed its certificate."""

    proxy: Connecting
    ca: Path
    stranger: Path

    @property
    def url(self) -> str:
        return f"http://{LOGIN}@127.0.0.1:{self.proxy.port}"


@pytest.fixture
def road(catalogue: StrictCatalogue, tmp_path: Path) -> Iterator[Road]:
    own = authority("the house's own")
    server = tmp_path / "server.pem"
    server.write_bytes(signed_by(own, HOST))
    ca, stranger = tmp_path / "ca.pem", tmp_path / "stranger.pem"
    ca.write_bytes(own[1])
    stranger.write_bytes(authority("somebody else's")[1])
    encrypted = Encrypted(to=int(catalogue.host_port.rpartition(":")[2]))
    encrypted.context.load_cert_chain(server)
    with encrypted.serve():
        proxy = Connecting(to=encrypted.port)
        with proxy.serve():
            yield Road(proxy, ca, stranger)


@pytest.fixture
def behind(world: World, road: Road, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world, with a catalogue that only the proxy reaches."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", road.url)
    world.secrets += (LOGIN, LOGIN.partition(":")[2])
    return world


def server(road: Road | None = None) -> dict[str, object]:
    trust = {"sslConfig": {"caCertificate": str(road.ca)}} if road else {}
    return {"hostPort": f"https://{HOST}/api", **trust}


def arrived(behind: World, road: Road, clean: dict, config: Path, engine: str) -> None:
    run = behind.run(config, engine=engine)
    assert run.report.exit_code == 0, run.report.verdict
    assert behind.outcome() == clean
    assert set(road.proxy.asked) == {f"CONNECT {HOST}:443 HTTP/1.1"}


def test_a_run_goes_through_the_proxy_and_trusts_the_private_authority(
    behind: World, road: Road, clean: dict
) -> None:
    arrived(behind, road, clean, behind.config(server=server(road)), "local")


@pytest.mark.ray
def test_workers_of_a_cluster_that_knows_no_proxy_go_through_it(
    shared_ray: str, behind: World, road: Road, clean: dict
) -> None:
    config = behind.config(server=server(road), execution={"address": shared_ray})
    arrived(behind, road, clean, config, "ray")


def test_the_authority_may_be_the_systems(
    behind: World, road: Road, clean: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(road.ca))
    assert behind.run(behind.config(server=server())).report.exit_code == 0
    assert behind.outcome() == clean


def test_a_stranger_is_not_trusted_through_a_proxy_either(
    behind: World, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(road.stranger))
    report = behind.run(behind.config(server=server()), unfinished=True).report
    assert report.exit_code == 2
    assert f"The certificate of https://{HOST}/api is not trusted" in report.verdict
    assert "caCertificate" in report.verdict


def test_a_proxy_that_refuses_us_is_named_without_the_password(
    behind: World, road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", road.url.replace("canary", "wrong"))
    report = behind.run(behind.config(server=server(road)), unfinished=True).report
    assert report.exit_code == 1
    assert "407" in report.verdict
    assert "wrong" not in report.to_json().decode()


def test_who_is_excepted_is_asked_directly(
    behind: World, road: Road, clean: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", road.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    assert behind.run().report.exit_code == 0
    assert behind.outcome() == clean
    assert road.proxy.asked == []


# --- what workers take over ---


def test_a_worker_takes_over_proxies_and_certificates_that_are_there(tmp_path: Path) -> None:
    there = tmp_path / "ca.pem"
    there.write_text("")
    given = surroundings(
        {
            "https_proxy": "http://p",
            "NO_PROXY": "x",
            "SSL_CERT_FILE": str(there),
            "SSL_CERT_DIR": "/nowhere/at/all",
            "HTTP_PROXY": "",
            "HOME": "/home/me",
        }
    )
    assert set(given) == {"https_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"}
    here: dict[str, str] = {}
    adopt(given, here)
    assert here == {"https_proxy": "http://p", "NO_PROXY": "x", "SSL_CERT_FILE": str(there)}


def test_a_machine_with_proxies_of_its_own_keeps_them() -> None:
    here = {"HTTPS_PROXY": "http://own"}
    adopt({"https_proxy": "http://p", "NO_PROXY": "x"}, here)
    assert here == {"HTTPS_PROXY": "http://own"}


def test_exceptions_alone_are_no_proxy() -> None:
    here = {"NO_PROXY": "own"}
    adopt({"https_proxy": "http://p", "NO_PROXY": "x"}, here)
    assert here == {"https_proxy": "http://p", "NO_PROXY": "own"}
