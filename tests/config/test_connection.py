"""Addresses, certificates and unions that connectors share."""

import stat
from typing import Annotated, Literal

import pytest
from pydantic import SecretStr, ValidationError

from rayingest.config.connection import Choice, ConnectionModel, SslConfig, host_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db", ("db", 5432)),
        ("db:1", ("db", 1)),
        (" db.example:6543 ", ("db.example", 6543)),
        ("[::1]:6543", ("::1", 6543)),
        ("[fe80::1]", ("fe80::1", 5432)),
        ("::1", ("::1", 5432)),
        ("/var/run/postgresql", ("/var/run/postgresql", 5432)),
        ("/var/run/postgresql:6543", ("/var/run/postgresql", 6543)),
        ("/cloudsql/project:region:name", ("/cloudsql/project:region:name", 5432)),
    ],
)
def test_an_address_is_split(text, expected):
    assert host_port(text, 5432) == expected


@pytest.mark.parametrize(
    "text", ["", ":5432", "db:", "db:0", "db:65536", "db:x", "http://db", "[::1", "[::1]x", "a b:1"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        host_port(text, 5432)


def test_certificates_may_be_paths_or_text(tmp_path):
    pem = "-----BEGIN CERTIFICATE-----\nx\n"
    config = SslConfig(caCertificate=SecretStr("/etc/ca.pem"), sslKey=SecretStr(pem))
    files = config.files(tmp_path)
    assert set(files) == {"caCertificate", "sslKey"}
    assert str(files["caCertificate"]) == "/etc/ca.pem"
    assert files["sslKey"].read_text() == pem
    assert stat.S_IMODE(files["sslKey"].stat().st_mode) == 0o600


class Local(ConnectionModel):
    kind: Literal["local"] = "local"
    path: str


class Remote(ConnectionModel):
    kind: Literal["remote"] = "remote"
    path: str
    token: SecretStr | None = None


class Kept(ConnectionModel):
    shelf: str | None = None


class Bucket(ConnectionModel):
    signIn: Remote | None = None  # noqa: N815 - as users write it


class Folder(ConnectionModel):
    signIn: Local | None = None  # noqa: N815


class Tape(ConnectionModel):
    signIn: Annotated[Local | Kept, Choice()] | None = None  # noqa: N815


class Places(ConnectionModel):
    where: Annotated[Folder | Bucket | Tape, Choice()]


class Holder(ConnectionModel):
    where: Annotated[Local | Remote | Literal["none"] | None, Choice()] = None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"path": "x"}, Local),
        ({"path": "x", "kind": "remote"}, Remote),
        ({"path": "x", "token": "y"}, Remote),
        ("none", str),
        (None, type(None)),
        (Local(path="x"), Local),
    ],
)
def test_the_keys_choose_the_variant(value, kind):
    assert type(Holder.model_validate({"where": value}).where) is kind


def test_the_keys_within_decide_between_variants_that_have_the_same():
    def chosen(value):
        return type(Places.model_validate({"where": value}).where)

    assert chosen({"signIn": {"path": "x", "token": "y"}}) is Bucket
    assert chosen({"signIn": {"path": "x"}}) is Folder
    assert chosen({"signIn": {"shelf": "x"}}) is Tape
    assert chosen({}) is Folder


def test_an_error_speaks_of_the_chosen_variant_only():
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"where": {"token": "y"}})
    assert [each["loc"] for each in caught.value.errors()] == [("where", "<Remote>", "path")]
