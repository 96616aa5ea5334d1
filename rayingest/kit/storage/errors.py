"""What exceptions of file systems mean, of S3's, Google's, Azure's and this machine's, with the right that is missing.

No package of theirs is imported: an exception is known by its module and its name.
"""

import builtins
import errno
import re
from collections.abc import Iterator

from rayingest import errors
from rayingest.kit.aws import errors as aws

LIST, READ, BUCKETS = "list", "read", "buckets"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
ACTIONS = {LIST: "s3:ListBucket", READ: "s3:GetObject", BUCKETS: "s3:ListAllMyBuckets"}
# https://cloud.google.com/storage/docs/access-control/iam-roles
_GOOGLE = {
    LIST: "storage.objects.list (roles/storage.objectViewer has it)",
    READ: "storage.objects.get (roles/storage.objectViewer has it)",
    BUCKETS: "storage.buckets.list (roles/storage.bucketViewer has it)",
}
_AZURE = (
    "Give the identity the role `Storage Blob Data Reader` on the storage account or container, or a shared access "
    "signature the permissions to read and list; see whether the account's firewall lets this machine in."
)
# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes, and those that all services share
_NO_KEYS = "The account takes no keys: name a service principal in securityConfig, or use the environment's identity."
_CONTAINER = "Check bucketName: it is the name of a container."
_AWAY = "Check accountName, the network and the proxy; REQUESTS_CA_BUNDLE names another authority for certificates."
_SIGNATURE = re.compile(r"(?<=sig=)[^&\s]+")
KEYS = (
    "Check the credentials in securityConfig or of the environment, whether they have expired, and this machine's "
    "clock."
)
NETWORK = "Check the endpoint, the network and the proxy."
MODE = "The user that runs this needs the right to read it, and to enter the folders above it."
_BROKEN = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)
LONGEST = 300


def classify(error: Exception, doing: str = READ) -> errors.RayingestError | None:
    """Say what a failed call means; None: nothing is known. `doing` is LIST, READ or BUCKETS."""
    if isinstance(error, errors.RayingestError):
        return error
    return next((known for each in _chain(error) if (known := _known(each, doing))), None)


def masked(text: str) -> str:
    """A text without the signatures (SAS) of addresses."""
    return _SIGNATURE.sub("***", text)


def or_name_one(error: errors.Denied) -> errors.Denied:
    """Whoever may not list all buckets can name one in the config."""
    hint = f"{(error.hint or '').rstrip('.')}, or name the bucket in bucketName."
    return errors.Denied(str(error), hint=hint)


def _chain(error: BaseException | None) -> Iterator[Exception]:
    """The exceptions that led to this one first: s3fs hides what S3 said behind a PermissionError.

    What an exception was raised `from None` to replace is left out: Azure's client knows more in the second.
    """
    found: list[Exception] = []
    while isinstance(error, Exception) and error not in found:
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from reversed(found)


def _known(error: Exception, doing: str) -> errors.RayingestError | None:
    match type(error).__module__.partition(".")[0]:
        case "botocore" | "aiobotocore":
            return _amazon(error, doing)
        case "google" | "gcsfs":
            return _google(error, doing)
        case "azure":
            return _azure(error)
        case "aiohttp" | "requests" | "urllib3":
            return _network(error)
        case "builtins":
            return _plain(error, doing)
        case _:
            return None


def _amazon(error: Exception, doing: str) -> errors.RayingestError | None:
    told = getattr(error, "response", {}).get("Error", {})
    match str(told.get("Code", "")):  # of a HEAD, whose answer has no text
        case "404":
            return errors.Gone(_short(error))
        case "403":
            hint = f"Allow {ACTIONS[doing]} in an IAM policy, or in the bucket's."
            return errors.Denied(_short(error), hint=hint)
        case _:
            return aws.classify(error, ACTIONS[doing])


def _google(error: Exception, doing: str) -> errors.RayingestError | None:
    text = _short(error)
    match type(error).__name__:
        case "RefreshError" | "DefaultCredentialsError" | "MalformedError":
            return errors.Unauthorised(text, hint=KEYS)
        case "TransportError":
            return errors.Unreachable(text, hint=NETWORK)
        case _:
            status = getattr(error, "code", None)
            return _status(status, text, f"Grant {_GOOGLE[doing]} to the account.")


def _azure(error: Exception) -> errors.RayingestError | None:
    code = getattr(error, "error_code", None)
    code = str(getattr(code, "value", code) or "")  # of an enum, or text
    text = f"{code}: {_short(error)}" if code else _short(error)
    told = {
        "ContainerNotFound": errors.ConfigError(text, hint=_CONTAINER),
        "ServerBusy": errors.Throttled(text),
        "KeyBasedAuthenticationNotPermitted": errors.Denied(text, hint=_NO_KEYS),
    }
    if code in told:
        return told[code]
    if "failed to authenticate" in text:  # AuthenticationFailed; Azurite has another word for it
        return errors.Unauthorised(text, hint=KEYS)
    match type(error).__name__:
        case "ClientAuthenticationError" | "CredentialUnavailableError" | "AzureSigningError":
            return errors.Unauthorised(text, hint=KEYS)
        case "ServiceRequestError":
            return errors.Unreachable(text, hint=_AWAY)
        case "ServiceResponseError" | "IncompleteReadError":
            return errors.SessionLost(text)
        case _:
            return _status(getattr(error, "status_code", None), text, _AZURE)


def _status(status: object, text: str, grant: str) -> errors.RayingestError | None:
    if not isinstance(status, int):
        return None
    if status >= 500:
        return errors.Retryable(text)
    told: dict[int, errors.RayingestError] = {
        401: errors.Unauthorised(text, hint=KEYS),
        403: errors.Denied(text, hint=grant),
        404: errors.Gone(text),
        429: errors.Throttled(text),
    }
    return told.get(status) or errors.Permanent(text)


def _network(error: Exception) -> errors.RayingestError | None:
    name, text = type(error).__name__, _short(error)
    if "Timeout" in name:
        return errors.TimedOut(text)
    if "Certificate" in name or "SSL" in name:
        return errors.Unreachable(text, hint=f"{NETWORK} The certificate was not accepted.")
    if "Connector" in name or "ProxyError" in name or name == "NewConnectionError":
        return errors.Unreachable(text, hint=NETWORK)
    return errors.SessionLost(text)


def _plain(error: Exception, doing: str) -> errors.RayingestError | None:  # noqa: PLR0911 - a table
    text = _short(error)
    match error:
        case builtins.FileNotFoundError() | NotADirectoryError():
            return errors.Gone(text)
        case PermissionError():
            return errors.Denied(text, hint=MODE)
        case builtins.TimeoutError():
            return errors.TimedOut(text)
        case _ if isinstance(error, _BROKEN):
            return errors.SessionLost(text)
        case builtins.ConnectionError():
            return errors.Unreachable(text, hint=NETWORK)
        case OSError() if text.startswith("Forbidden:"):  # gcsfs says it so
            return errors.Denied(text, hint=f"Grant {_GOOGLE[doing]} to the account.")
        case OSError() if error.errno in {errno.EIO, errno.ESTALE}:
            return errors.Retryable(text)
    return None


def _short(error: Exception) -> str:
    """The first line: what follows in a refused signature is the request, with its session token."""
    first = masked(str(error).strip().partition("\n")[0])
    return " ".join(first.split())[:LONGEST] or type(error).__name__
