"""Sessions with AWS: whose credentials they have, how they are renewed, what fails and how."""

import contextlib
import datetime as dt
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import stamina

from rayingest.config.connection import AwsCredentials
from rayingest.core.filters import Filters
from rayingest.core.source import Settings
from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    MissingDriver,
    Permanent,
    RayingestError,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.aws.client import Client
from rayingest.kit.aws.session import credentials, endpoint, session
from rayingest.kit.sql.tokens import aws_token

from ...connectors.aws import ACCOUNT, KEYS, serving

ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"


@pytest.fixture(scope="module")
def aws():
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def impatient(aws):
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)
    del aws.faults[:]


def client(config, *, timeout=10.0, service="glue"):
    connection = SimpleNamespace(awsConfig=AwsCredentials.model_validate(config))
    return Client(Settings("svc", connection, None, Filters(), timeout), service)


def signer(aws):
    """The id of the key that the last request was signed with."""
    return aws.environs[-1]["HTTP_AUTHORIZATION"].partition("Credential=")[2].partition("/")[0]


def test_keys_of_the_config_sign(aws):
    asked = client(aws.config())
    asked.ask("GetDatabases")
    assert signer(aws) == KEYS["awsAccessKeyId"]
    assert asked.calls == 1


def test_a_session_token_is_sent(aws):
    given = {"awsSessionToken": "temporary"}
    client(aws.config(**given)).ask("GetDatabases")
    assert aws.environs[-1]["HTTP_X_AMZ_SECURITY_TOKEN"] == given["awsSessionToken"]


def test_without_keys_the_environment_has_them(aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFROMENVIRONMENT1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    config = {"awsRegion": "eu-west-1", "endPointURL": aws.url, "enabled": True}
    client(config).ask("GetDatabases")
    assert signer(aws) == "AKIAFROMENVIRONMENT1"


def test_a_profile_has_them(aws, monkeypatch, tmp_path):
    path = tmp_path / "credentials"
    path.write_text("[shop]\naws_access_key_id = AKIAOFAPROFILE000001\naws_secret_access_key = x\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    config = {"awsRegion": "eu-west-1", "endPointURL": aws.url, "profileName": "shop"}
    client(config).ask("GetDatabases")
    assert signer(aws) == "AKIAOFAPROFILE000001"
    with pytest.raises(ConfigError, match=r"awsConfig: .*\(no\).*could not be found"):
        client({**config, "profileName": "no"})


def test_nobody_at_all(aws, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Unauthorised, match="no credentials") as raised:
        client({"awsRegion": "eu-west-1", "endPointURL": aws.url})
    assert "awsAccessKeyId" in raised.value.hint


def test_without_its_package_the_extra_is_named(aws, monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(MissingDriver) as raised:
        client(aws.config())
    assert raised.value.hint == "pip install 'rayingest[aws]'"


def test_half_a_key_is_the_configs_fault(aws):
    config = {"awsRegion": "eu-west-1", "awsAccessKeyId": "AKIA"}
    with pytest.raises(ConfigError, match="one of awsAccessKeyId and awsSecretAccessKey"):
        client(config)


def test_a_role_is_assumed_once(aws):
    """The calls' keys are the role's; STS hears of the name and the source identity."""
    config = aws.config(
        assumeRoleArn=ROLE, assumeRoleSessionName="nightly", assumeRoleSourceIdentity="Ada"
    )
    asked = client(config)
    with aws.counted() as requests:
        asked.ask("GetDatabases")
        first = signer(aws)
        asked.ask("GetDatabases")
    assert requests == ["sts", "GetDatabases", "GetDatabases"]
    assert signer(aws) == first != KEYS["awsAccessKeyId"]
    sent = aws.bodies[-3]
    assert b"RoleSessionName=nightly" in sent
    assert b"SourceIdentity=Ada" in sent


def test_a_role_is_assumed_again_before_it_ends(aws, monkeypatch):
    """AWS lends a role for an hour; a run may last longer."""
    monkeypatch.setattr(aws, "ends", dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5))
    asked = client(aws.config(assumeRoleArn=ROLE))
    with aws.counted() as requests:
        asked.ask("GetDatabases")
        first = signer(aws)
        asked.ask("GetDatabases")
    assert requests == ["sts", "GetDatabases"] * 2
    assert signer(aws) not in (first, KEYS["awsAccessKeyId"])


def test_a_role_that_may_not_be_assumed_ends_the_run(aws):
    said = f"User: arn:aws:iam::{ACCOUNT}:user/me is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    aws.xml_faults.append((403, "AccessDenied", said))
    with pytest.raises(Unauthorised, match="sts:AssumeRole") as raised:
        client(aws.config(assumeRoleArn=ROLE)).ask("GetDatabases")
    assert "trust policy" in raised.value.hint


def test_an_endpoint_of_aws_is_that_of_one_service():
    """STS is not asked at Glue's own endpoint, Glue not at Athena's."""

    def asked(service, url):
        return endpoint(service, AwsCredentials(awsRegion="x", endPointURL=url))

    of_glue = "https://vpce-1-a.glue.eu-west-1.vpce.amazonaws.com"
    assert asked("glue", of_glue) == of_glue
    assert asked("sts", of_glue) is None
    assert asked("sts", "https://glue.eu-west-1.api.aws") is None
    assert asked("glue", "https://athena.eu-west-1.amazonaws.com") is None
    assert asked("sts", "http://localhost:4566") == "http://localhost:4566"
    assert asked("glue", None) is None


def test_a_proxy_of_the_environment_is_taken(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    config = {"awsRegion": "x", "endPointURL": "http://glue.invalid", **KEYS}
    with pytest.raises(Unreachable, match="proxy"):
        client(config).ask("GetDatabases")


def test_a_certificate_that_is_not_trusted(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = "/CN=localhost"
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-keyout", str(key), "-out", str(certificate), "-subj", subject]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def answer():
        connection, _ = server.accept()
        with contextlib.suppress(OSError):
            context.wrap_socket(connection, server_side=True)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        config = {"awsRegion": "x", "endPointURL": f"https://localhost:{server.getsockname()[1]}"}
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED") as raised:
            client({**config, **KEYS}).ask("GetDatabases")
        thread.join()
    assert "AWS_CA_BUNDLE" in raised.value.hint


def test_what_no_request_can_say_is_one_entitys_fault(aws):
    with pytest.raises(Permanent, match="Parameter validation failed"):
        client(aws.config()).ask("GetTables", DatabaseName="")


def test_a_token_for_rds_is_signed_without_a_call(aws):
    with aws.counted() as requests:
        token = aws_token(
            AwsCredentials.model_validate(aws.config()), "db.example.com", 5432, "reader"
        )
    assert token.startswith("db.example.com:5432/?Action=connect&DBUser=reader")
    assert KEYS["awsAccessKeyId"] in token
    assert requests == []


REFUSALS = {
    "ThrottlingException": Throttled,
    "ProvisionedThroughputExceededException": Throttled,
    "AccessDeniedException": Denied,
    "ExpiredTokenException": Unauthorised,
    "UnrecognizedClientException": Unauthorised,
    "InvalidSignatureException": Unauthorised,
    "InvalidClientTokenId": Unauthorised,
    "EntityNotFoundException": Gone,
    "ResourceNotFoundException": Gone,
    "InternalServiceException": Retryable,
    "InvalidInputException": Permanent,
    "com.amazonaws.glue#AccessDeniedException": Denied,
}


@pytest.mark.parametrize(("code", "kind"), REFUSALS.items())
def test_what_a_code_means(aws, code, kind):
    aws.faults += [("", 400, code, "as told")] * 3
    asked = client(aws.config())
    with pytest.raises(RayingestError, match=r"as told \(glue:GetDatabases\)") as raised:
        asked.ask("GetDatabases")
    assert type(raised.value) is kind
    assert asked.calls == (3 if issubclass(kind, Retryable) else 1)


def test_a_busy_service_is_asked_again(aws):
    aws.faults += [
        ("", 500, "InternalServiceException", "x"),
        ("", 400, "ThrottlingException", "y"),
    ]
    asked = client(aws.config())
    assert asked.ask("GetDatabases")["DatabaseList"] == []
    assert asked.calls == 3


def test_who_is_not_aws_is_told_from_it(aws):
    aws.pages += [(403, "<html>Blocked by the proxy</html>"), (502, "Bad gateway")]
    with pytest.raises(Permanent, match=r"403: <html>Blocked by the proxy</html>") as raised:
        client(aws.config()).ask("GetDatabases")
    assert "proxy" in raised.value.hint
    assert client(aws.config()).ask("GetDatabases")["DatabaseList"] == []
    aws.xml_faults.append((403, "SignatureDoesNotMatch", "no match"))
    with pytest.raises(Unauthorised, match="SignatureDoesNotMatch: no match"):
        client(aws.config()).ask("GetDatabases")


def test_what_is_missing_is_named_as_an_action(aws):
    who = f"arn:aws:iam::{ACCOUNT}:user/me"
    what = f"arn:aws:glue:eu-west-1:{ACCOUNT}:catalog"
    said = f"User: {who} is not authorized to perform: glue:GetTables on resource: {what} because no identity-based policy allows it"
    aws.faults.append(("", 400, "AccessDeniedException", said))
    with pytest.raises(Denied) as raised:
        client(aws.config()).ask("GetTables", DatabaseName="x")
    assert raised.value.hint == f"Allow glue:GetTables on {what} in an IAM policy of {who}."
    aws.faults.append(("", 400, "AccessDeniedException", f"{said} with an explicit deny"))
    with pytest.raises(Denied) as raised:
        client(aws.config()).ask("GetTables", DatabaseName="x")
    assert raised.value.hint.startswith(f"A policy denies glue:GetTables on {what} explicitly")
    said = "Insufficient Lake Formation permission(s): Required Describe on x"
    aws.faults.append(("", 400, "AccessDeniedException", said))
    with pytest.raises(Denied) as raised:
        client(aws.config()).ask("GetTables", DatabaseName="x")
    assert "Grant DESCRIBE on it in Lake Formation" in raised.value.hint


def test_no_secret_is_told(aws):
    secret = KEYS["awsSecretAccessKey"]
    said = f"no match: {secret}\nThe Canonical String was x-amz-security-token:canary-token"
    aws.faults.append(("", 400, "InvalidSignatureException", said))
    with pytest.raises(Unauthorised) as raised:
        client(aws.config(awsSessionToken="canary-token")).ask("GetDatabases")
    assert "no match: ***" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_pages_that_do_not_end_are_an_error(aws, monkeypatch):
    asked = client(aws.config())
    monkeypatch.setattr(asked, "_once", lambda *_: {"DatabaseList": [], "NextToken": "same"})
    with pytest.raises(Permanent, match="does not end"):
        list(asked.pages("GetDatabases"))


def test_nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        config = {"awsRegion": "x", "endPointURL": f"http://127.0.0.1:{taken.getsockname()[1]}"}
        with pytest.raises(Unreachable, match="Could not connect") as raised:
            client({**config, **KEYS}).ask("GetDatabases")
    assert "endPointURL" in raised.value.hint


def test_an_endpoint_that_is_none(aws):
    with pytest.raises(ConfigError, match="endPointURL"):
        client(aws.config() | {"endPointURL": "no url"})


@pytest.fixture
def silent():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {
            "awsRegion": "x",
            "endPointURL": f"http://127.0.0.1:{server.getsockname()[1]}",
            **KEYS,
        }


def test_who_says_nothing_is_not_waited_for(silent):
    begun = time.monotonic()
    asked = client(silent, timeout=0.3)
    with pytest.raises(TimedOut, match="did not answer in time"):
        asked.ask("GetDatabases")
    assert time.monotonic() - begun < 5
    assert asked.calls == 1


def test_a_connection_that_breaks(aws):
    def once():
        connection, _ = server.accept()
        connection.recv(10)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threads = [threading.Thread(target=once) for _ in range(3)]
        for each in threads:
            each.start()
        config = aws.config() | {"endPointURL": f"http://127.0.0.1:{server.getsockname()[1]}"}
        with pytest.raises(SessionLost):
            client(config).ask("GetDatabases")
        for each in threads:
            each.join()


def test_a_session_that_is_cancelled_asks_no_more(aws):
    asked = client(aws.config())
    asked.cancel()
    with aws.counted() as requests, pytest.raises(TimedOut, match="cancelled"):
        asked.ask("GetDatabases")
    assert requests == []


def test_a_limit_hears_of_each_try(aws):
    heard = []

    class Limiter:
        def call(self, name, route=""):
            heard.append((name, route))
            return self

        def __enter__(self):
            return self

        def __exit__(self, kind, *_):
            heard.append(kind)

    aws.faults.append(("", 400, "ThrottlingException", "x"))
    connection = SimpleNamespace(awsConfig=AwsCredentials.model_validate(aws.config()))
    Client(Settings("svc", connection, None, Filters(), 10, Limiter()), "glue").ask("GetDatabases")
    asked = ("glue", "GetDatabases")
    assert heard == [asked, Throttled, asked, None]


def test_what_a_session_shows_has_no_secret(aws):
    aws_config = AwsCredentials.model_validate(aws.config(awsSessionToken="canary-token"))
    assert "canary" not in repr(aws_config)
    assert "canary" not in repr(session(aws_config))
    assert credentials(session(aws_config)).access_key == KEYS["awsAccessKeyId"]
