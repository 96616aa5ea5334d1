"""What clients of storages raise, s3fs of moto's S3 among them; and a file system out of Google's credentials."""

import socket

import pytest

from rayingest.errors import (
    ConfigError,
    Denied,
    Gone,
    Permanent,
    Retryable,
    SessionLost,
    Throttled,
    TimedOut,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.storage.connection import GcsStorage, required
from rayingest.kit.storage.errors import BUCKETS, LIST, READ, classify
from rayingest.kit.storage.gcs import files

from ...connectors.aws import needed, serving


@pytest.fixture(scope="module")
def aws():
    needed("s3fs")
    with serving() as running:
        client = running.client("s3")
        client.create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        client.put_object(Bucket="lake", Key="a/b.txt", Body=b"hello")
        yield running


def s3(url):
    """As pyiceberg reads files."""
    return needed("s3fs").S3FileSystem(
        key="AKIA",
        secret="canary",  # noqa: S106
        endpoint_url=url,
        client_kwargs={"region_name": "eu-west-1"},
        config_kwargs={"connect_timeout": 2.0, "retries": {"total_max_attempts": 3}},
        skip_instance_cache=True,
        use_listings_cache=False,
    )


def told(call, doing=READ):
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever a file system raises
        return classify(error, doing)
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [("lake/none.txt", Gone, ""), ("nobucket", ConfigError, "bucketName")],
)
def test_what_s3_does_not_have(aws, path, kind, says):
    there = s3(aws.url)
    read = there.cat_file if "/" in path else there.ls
    error = told(lambda: read(path), LIST)
    # s3fs says of a bucket that is missing what it says of a folder.
    assert isinstance(error, kind | Gone)
    assert says in (error.hint or says)


@pytest.mark.parametrize(
    ("code", "status", "kind", "says"),
    [
        ("AccessDenied", 403, Denied, "s3:ListBucket"),
        ("InvalidAccessKeyId", 403, Unauthorised, "keys"),
        ("ExpiredToken", 400, Unauthorised, "expired"),
        ("NoSuchBucket", 404, ConfigError, "bucketName"),
    ],
)
def test_what_s3_refuses(aws, code, status, kind, says):
    there = s3(aws.url)
    aws.xml_faults += [(status, code, "It is so.")] * 3
    error = told(lambda: there.ls("lake/a"), LIST)
    del aws.xml_faults[:]
    assert isinstance(error, kind), error
    assert says in error.hint
    assert "canary" not in str(error)


def test_a_port_where_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        there = s3(f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert isinstance(told(lambda: there.ls("lake")), Unreachable)


def test_google_by_a_token_that_may_only_read(monkeypatch, tmp_path):
    needed("gcsfs")
    path = tmp_path / "user.json"
    path.write_text(
        '{"type": "authorized_user", "client_id": "i", "client_secret": "canary", "refresh_token": "r"}'
    )
    config = {"gcpConfig": {"type": "gcp_credential_path", "path": str(path), "projectId": "p"}}
    there = files(GcsStorage.model_validate({"securityConfig": config}).securityConfig)
    assert (there.project, there.credentials.access) == ("p", "read_only")


def test_a_storage_without_credentials_says_what_is_missing():
    with pytest.raises(ConfigError, match="securityConfig") as caught:
        required(GcsStorage().securityConfig, "gcpConfig")
    assert "gcpConfig" in caught.value.hint


def google(code, message="so"):
    from gcsfs.retry import HttpError

    return HttpError({"code": code, "message": message})


def blob(status, name="HttpResponseError", code=None):
    from azure.core import exceptions

    error = getattr(exceptions, name)("so")
    error.status_code, error.error_code = status, code
    return error


SAYINGS = {
    "google forbids": (lambda: google(403), Denied, "storage.buckets.list"),
    "google knows nobody": (lambda: google(401), Unauthorised, "securityConfig"),
    "google is asked too often": (lambda: google(429), Throttled, ""),
    "google is ill": (lambda: google(503), Retryable, ""),
    "google understands nothing": (lambda: google(400), Permanent, ""),
    "gcsfs forbids": (lambda: OSError("Forbidden: b/lake\nno"), Denied, "storage.buckets.list"),
    "azure forbids": (lambda: blob(403), Denied, "Storage Blob Data Reader"),
    "azure has no such container": (
        lambda: blob(404, "ResourceNotFoundError", "ContainerNotFound"),
        ConfigError,
        "container",
    ),
    "azure has no such blob": (
        lambda: blob(404, "ResourceNotFoundError", "BlobNotFound"),
        Gone,
        "",
    ),
    "azure knows nobody": (lambda: blob(401, "ClientAuthenticationError"), Unauthorised, ""),
    "azure takes no keys": (
        lambda: blob(403, code="KeyBasedAuthenticationNotPermitted"),
        Denied,
        "service principal",
    ),
    "azure is busy": (lambda: blob(503, code="ServerBusy"), Throttled, ""),
    "azure is not there": (lambda: blob(None, "ServiceRequestError"), Unreachable, "accountName"),
    "azure breaks off": (lambda: blob(None, "ServiceResponseError"), SessionLost, ""),
    "the machine has no such file": (lambda: FileNotFoundError(2, "no"), Gone, ""),
    "the machine forbids": (lambda: PermissionError(13, "no"), Denied, "folders above"),
    "a connection is cut": (ConnectionResetError, SessionLost, ""),
    "nobody answers in time": (TimeoutError, TimedOut, ""),
}


@pytest.mark.parametrize("saying", SAYINGS)
def test_what_others_say(saying):
    needed("gcsfs")
    needed("azure.storage.blob")
    make, kind, says = SAYINGS[saying]
    error = classify(make(), BUCKETS)
    assert type(error) is kind
    assert says in (error.hint or "")


def test_what_azure_says_is_told_by_the_word_that_it_has_for_it():
    package = needed("azure.storage.blob")
    told = classify(
        blob(404, "ResourceNotFoundError", package.StorageErrorCode.CONTAINER_NOT_FOUND)
    )
    assert type(told) is ConfigError
    assert str(told).startswith("ContainerNotFound: ")


def test_an_address_is_told_without_its_signature():
    needed("azure.storage.blob")
    from azure.core import exceptions

    text = "Max retries exceeded with url: /lake?sv=1&sig=canary%3D&se=2 (Caused by nobody)"
    told = classify(exceptions.ServiceRequestError(text))
    assert str(told) == text.replace("canary%3D", "***")


def test_what_was_replaced_says_nothing():
    def first_without_a_word():
        try:
            raise blob(403)  # noqa: TRY301
        except Exception:  # noqa: BLE001 - as Azure's client does
            raise blob(403, "ClientAuthenticationError") from None

    assert type(told(first_without_a_word)) is Unauthorised


def test_what_is_not_known_is_not_guessed():
    assert classify(ValueError("?")) is None
