"""Whether a connection can be read on its way, as `rayingest check` tells it."""

import pytest

from rayingest.kit.sql.encryption import encryption

FAR, NEAR = "db.example.com", "127.0.0.1"
OPEN = f"the connection to {FAR} is not encrypted; metadata and password can be read on the way"
UNKNOWN = f"the connection to {FAR} is encrypted, but nobody verified the server's certificate"


@pytest.mark.parametrize(
    ("host", "encrypted", "verified", "told"),
    [
        (FAR, False, False, [(OPEN, "encrypt")]),
        (FAR, False, True, [(OPEN, "encrypt")]),
        (FAR, True, False, [(UNKNOWN, "verify")]),
        (FAR, True, True, []),
        (NEAR, False, False, []),
        ("/run/mysqld/mysqld.sock", False, False, []),
    ],
)
def test_a_server_elsewhere_is_warned_of(host, encrypted, verified, told):
    lines = encryption(host, encrypted=encrypted, verified=verified, mends=("encrypt", "verify"))
    assert [(each.why, each.grant) for each in lines] == told
