"""TLS: the certificate and the name of the cluster are verified, unless the user says otherwise."""

import socket
import ssl
import threading

import pytest

from rayingest.errors import SessionLost, Unreachable
from rayingest.kit.sql.trino.http import Http
from rayingest.model import EntityType
from rayingest.testing.trino import Cluster

from ..beds import story

HTTP = {"http_scheme": "http"}


@pytest.fixture
def secure(start, certificates):
    cluster = Cluster(passwords={"ada": "pass-9f"})
    cluster.run(*story("trino"))
    world = start(cluster, certificates / "server.pem", authType={"password": "pass-9f"})
    world.probe.config["hostPort"] = world.address.replace("127.0.0.1", "localhost")
    return world


def test_the_certificate_is_verified(secure, certificates):
    for verify in (None, "true", str(certificates / "stranger.pem")):
        with pytest.raises(Unreachable, match="is not trusted") as raised:
            secure.probe.open(verify=verify).__enter__()
        assert "`verify`" in raised.value.hint
    assert not secure.cluster.statements


@pytest.mark.parametrize("verify", ["file", "false", "False"])
def test_an_authority_of_ones_own_is_trusted_and_nobody_has_to_verify(secure, certificates, verify):
    given = str(certificates / "server.pem") if verify == "file" else verify
    assert secure.probe.descriptors(EntityType.TABLE, verify=given)
    own = {"cert": str(certificates / "stranger.pem"), "key": str(certificates / "stranger.key")}
    assert secure.probe.descriptors(EntityType.DATABASE, verify=given, connectionOptions=own)


def test_plain_http_to_a_port_with_tls_is_told(secure):
    given = {"connectionArguments": HTTP, "hostPort": secure.probe.config["hostPort"]}
    with pytest.raises(Unreachable, match=r"Nobody answers|is no coordinator"):
        secure.probe.open(**given).__enter__()


def test_who_says_nothing_behind_a_proxy_is_left(certificates):
    """The connection to hang up is the one that TLS is spoken on, which the proxy's became."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem")
    kept = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def serve():
            line, _ = proxy.accept()
            line.recv(65_536)
            line.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            kept.append(context.wrap_socket(line, server_side=True))

        thread = threading.Thread(target=serve)
        thread.start()
        through = {"proxy": f"http://127.0.0.1:{proxy.getsockname()[1]}", "verify": False}
        http = Http("https://h", user="ada", login=dict, seconds=20, connect=10, client=through)
        http.welcome()
        timer = threading.Timer(0.5, http.hang_up)
        timer.start()
        with pytest.raises(SessionLost, match="broke off"):
            http.ask("POST", "/v1/statement", b"select 1")
        timer.join()
        thread.join()
        kept[0].close()
        http.close()
