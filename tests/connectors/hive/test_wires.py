"""HTTP and TLS, against a real Spark Thrift Server; TLS ends in front of it, as at a gateway."""

import ssl

import pytest

from rayingest.connectors.database.hive import CONNECTOR
from rayingest.errors import ConfigError, SessionLost, Unreachable
from rayingest.model import EntityType
from rayingest.testing.probe import Probe
from rayingest.testing.servers import hive

from .relay import relay

pytestmark = pytest.mark.slow
SCHEMA = EntityType.DATABASE_SCHEMA


@pytest.fixture(scope="module")
def binary(bed):
    return hive.Server(bed.connection["hostPort"])


@pytest.fixture(scope="module")
def web():
    if why := hive.available():
        pytest.skip(why)
    with hive.server(hive_server2_transport_mode="http") as server:
        yield server


@pytest.fixture(params=["binary", "web"])
def secure(request, certificates, context):
    """A line with TLS in front of either; gives what its connection is made of."""
    server = request.getfixturevalue(request.param)
    with relay(server.host_port, context) as line:
        base = {"hostPort": f"localhost:{line.port}", "useSSL": True}
        if request.param == "web":
            base["scheme"] = "hive+https"

        def probe(authority="server", **changes):
            tls = {"caCertificate": str(certificates / f"{authority}.pem")} if authority else None
            return Probe(CONNECTOR, server.config(**{**base, "sslConfig": tls, **changes}))

        yield probe


def test_over_http(web):
    probe = Probe(CONNECTOR, web.config(scheme="hive+http"))
    assert list(probe.entities(SCHEMA)) == ["svc.default.default"]
    with probe.open() as source:
        assert source.calls == 2
    of_impala = {"connectionArguments": {"use_http_transport": True, "http_path": "cliservice"}}
    assert Probe(CONNECTOR, web.config(**of_impala)).descriptors(SCHEMA)


def test_another_path_than_the_servers_is_told(web):
    probe = Probe(CONNECTOR, web.config(scheme="hive+http", authOptions="http_path=nothing"))
    with pytest.raises(Unreachable, match="HTTP 40") as caught:
        probe.descriptors(SCHEMA)
    assert "http_path" in caught.value.hint


def test_a_web_server_that_goes_away_is_lost(web):
    with relay(web.host_port) as line:
        probe = Probe(CONNECTOR, web.config(scheme="hive+http", hostPort=line.host_port))
        with probe.open() as source:
            line.close()
            with pytest.raises(SessionLost):
                list(source.discover_entities(SCHEMA, "svc.default"))


def test_http_where_the_server_is_binary_is_told(binary):
    with pytest.raises(Unreachable, match="HiveServer2 at"):
        Probe(CONNECTOR, binary.config(scheme="hive+http")).descriptors(SCHEMA)


def test_tls_with_the_servers_certificate(secure, certificates):
    assert secure().descriptors(SCHEMA)
    text = (certificates / "server.pem").read_text()
    assert secure(None, sslConfig={"caCertificate": text}).descriptors(SCHEMA)
    path = str(certificates / "server.pem")
    assert secure(None, connectionArguments={"ca_cert": path}).descriptors(SCHEMA)


@pytest.mark.parametrize("authority", ["stranger", None])
def test_a_certificate_that_nobody_knows_is_refused(secure, authority):
    with pytest.raises(Unreachable) as caught:
        secure(authority).descriptors(SCHEMA)
    assert "caCertificate" in caught.value.hint


def test_a_certificate_of_another_name_is_refused(secure):
    probe = secure()
    port = probe.config["hostPort"].rpartition(":")[2]
    with pytest.raises(Unreachable, match="certificate"):
        secure(hostPort=f"127.0.0.1:{port}").descriptors(SCHEMA)


def test_who_wants_it_unverified_gets_that(secure):
    told = {"connectionOptions": {"verify_cert": "false"}}
    assert secure("stranger", **told).descriptors(SCHEMA)
    assert secure(None, **told).descriptors(SCHEMA)


def test_our_own_certificate_is_shown(secure, certificates, context):
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        ours = {
            "caCertificate": str(certificates / "server.pem"),
            "sslCertificate": str(certificates / "server.pem"),
            "sslKey": str(certificates / "server.key"),
        }
        assert secure(sslConfig=ours).descriptors(SCHEMA)
        with pytest.raises(Unreachable):
            secure().descriptors(SCHEMA)
    finally:
        context.verify_mode = ssl.CERT_OPTIONAL


def test_a_file_that_is_no_certificate_is_told(secure, tmp_path):
    (tmp_path / "x.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="cannot be read"):
        secure(None, sslConfig={"caCertificate": str(tmp_path / "x.pem")}).descriptors(SCHEMA)
