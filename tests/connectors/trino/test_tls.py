"""TLS: the certificate and the name of the cluster are verified, unless the user says otherwise."""

import pytest

from rayingest.errors import Unreachable
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
