"""TLS: the server's certificate and name are verified, over HTTP and over the native protocol."""

import pytest

from rayingest.connectors.database.clickhouse import CONNECTOR
from rayingest.errors import ConfigError, Unreachable
from rayingest.model import EntityType
from rayingest.testing import clickhouse
from rayingest.testing.probe import Probe

SCHEMES = ("clickhouse+http", "clickhouse+native")


@pytest.fixture(scope="module")
def server(certificates):
    if why := clickhouse.available():
        pytest.skip(why)
    with clickhouse.server(certificate=certificates / "server.pem") as running:
        yield running


@pytest.fixture
def secure(server, certificates):
    def probe(scheme, authority="server", host="localhost", **changes):
        port = server.https if scheme == SCHEMES[0] else server.secure
        arguments = {"ca_certs": str(certificates / f"{authority}.pem")}
        base = {"hostPort": f"{host}:{port}", "secure": True, "connectionArguments": arguments}
        return Probe(CONNECTOR, server.config(scheme, **{**base, **changes}))

    return probe


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "asked", [{"secure": True}, {"secure": None, "https": True},
              {"secure": None, "connectionOptions": {"secure": "true"}},
              {"secure": None, "connectionOptions": {"protocol": "https"}},
              {"connectionOptions": {"protocol": "https", "secure": "true"}}],
)  # fmt: skip
def test_every_way_to_ask_for_it(secure, scheme, asked):
    assert secure(scheme, **asked).descriptors(EntityType.DATABASE_SCHEMA)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_certificate_that_nobody_signed_is_not_trusted(secure, scheme):
    with pytest.raises(Unreachable, match="is not trusted") as raised:
        secure(scheme, authority="stranger").open().__enter__()
    assert "ca_certs" in raised.value.hint
    with pytest.raises(Unreachable, match="is not trusted"):
        secure(scheme, host="127.0.0.1").open().__enter__()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_who_wants_no_proof_gets_none(secure, scheme):
    probe = secure(scheme, host="127.0.0.1", connectionArguments={"verify": False})
    assert probe.descriptors(EntityType.DATABASE_SCHEMA)
    probe = secure(
        scheme, host="127.0.0.1", connectionOptions={"verify": "false"}, connectionArguments={}
    )
    assert probe.descriptors(EntityType.DATABASE_SCHEMA)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_keyfile_that_holds_both_is_presented(secure, scheme, certificates):
    found = secure(scheme, keyfile=str(certificates / "stranger.pem"))
    assert found.descriptors(EntityType.DATABASE_SCHEMA)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_file_that_is_not_there_is_told(secure, scheme):
    for changes in (
        {"keyfile": "/nowhere.pem"},
        {"connectionArguments": {"ca_certs": "/nowhere.pem"}},
    ):
        with pytest.raises(ConfigError, match="cannot be read"):
            secure(scheme, **changes).open().__enter__()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_port_without_tls_is_told(secure, server, scheme):
    port = server.http if scheme == SCHEMES[0] else server.native
    with pytest.raises(Unreachable, match="does not answer"):
        secure(
            scheme, hostPort=f"localhost:{port}", connectionOptions={"connect_timeout": "1"}
        ).open().__enter__()
