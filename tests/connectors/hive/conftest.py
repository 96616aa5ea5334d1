"""A real Spark Thrift Server with the story, and the server's side of lines with TLS."""

import ssl

import pytest

from ..beds import BEDS


@pytest.fixture(scope="session")
def bed(tmp_path_factory):
    with BEDS["hive"](tmp_path_factory.mktemp("hive")) as made:
        yield made


@pytest.fixture(scope="session")
def context(certificates):
    """A server's side of TLS, which asks for a certificate that `server.pem` has signed."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "server.pem")
    made.load_cert_chain(certificates / "server.pem")
    made.verify_mode = ssl.CERT_OPTIONAL
    return made
