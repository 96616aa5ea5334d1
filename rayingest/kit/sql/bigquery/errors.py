"""What the client's exceptions mean, by HTTP code and Google's `reason`."""

import re
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from rayingest import errors

# https://cloud.google.com/bigquery/docs/error-messages
_QUOTA = {"rateLimitExceeded", "quotaExceeded", "jobRateLimitExceeded", "userRateLimitExceeded"}
_BUSY = {"backendError", "internalError", "jobBackendError", "jobInternalError", "tableUnavailable"}
_STOPPED = {"stopped", "timeout"}
_SETUP = {"accessNotConfigured", "billingNotEnabled", "SERVICE_DISABLED"}
READ = "roles/bigquery.metadataViewer"
RUN = "roles/bigquery.jobUser"
JOBS = "bigquery.jobs.create"  # the right that this role gives, as it is called in messages
WAIT = 10.0  # seconds; most quotas are per second or per 100 seconds
# What the client adds to a message: where the question went, and the number of the job.
_REQUEST = re.compile(r"^(?:[A-Z]+ https?://\S+: )")
# A connection that was never made: refused, no such host. One that broke says "Connection aborted".
_SYSTEM = re.compile(r"(?:Failed to establish|Failed to resolve).*?\[Errno -?\d+\] ([^)'\"]+)")
_FOOTER = re.compile(r"\s*(?:; reason: .*|Location: .*|Job ID: .*)$", re.DOTALL)


def classify(error: Exception) -> errors.RayingestError | None:
    """Say what a failed call means for its caller."""
    core: Any = import_module("google.api_core.exceptions")
    if isinstance(error, core.GoogleAPICallError):
        return _answered(error)
    return _unanswered(error)


def text_of(error: Any) -> str:
    """What Google says, without the URL of the request."""
    message = getattr(error, "message", None) or str(error)
    return _FOOTER.sub("", _REQUEST.sub("", str(message))).strip()


def _answered(error: Any) -> errors.RayingestError:  # noqa: PLR0911 - a table of cases
    text, reasons = text_of(error), _reasons(error)
    code = int(error.code or 0)
    if code == 429 or reasons & _QUOTA:
        return errors.Throttled(text, _wait(error))
    if reasons & _STOPPED:
        return errors.TimedOut(f"The query was cancelled: {text}")
    if code in {408, 500, 502, 503, 504} or reasons & _BUSY:
        return errors.Retryable(text)
    if code == 401:
        return errors.Unauthorised(text)
    if code == 403 and reasons & _SETUP:
        return errors.Denied(text, hint="Enable the BigQuery API, and billing, in that project.")
    if code == 403:
        return errors.Denied(text, hint=grant(text))
    if code == 404:
        return errors.Gone(text)
    return errors.Permanent(f"{text} (HTTP {code})")


def _unanswered(  # noqa: PLR0911 - a table of cases
    error: Exception,
) -> errors.RayingestError | None:
    auth: Any = import_module("google.auth.exceptions")
    web: Any = import_module("requests.exceptions")
    futures: Any = import_module("concurrent.futures")
    if isinstance(error, auth.TransportError):
        return errors.SessionLost(f"Google's sign-in does not answer: {_cause(error)}")
    if isinstance(error, auth.GoogleAuthError):
        return _refused(error)
    if isinstance(error, web.ConnectTimeout):
        return _nobody(error, "it does not answer in time")
    if isinstance(error, web.Timeout | futures.TimeoutError):
        return errors.TimedOut("BigQuery did not answer in time.")
    if isinstance(error, web.SSLError | web.ProxyError):
        return _nobody(error, _cause(error))
    if isinstance(error, web.ConnectionError | web.ChunkedEncodingError):
        if system := _SYSTEM.search(str(error)):
            return _nobody(error, system[1])
        return errors.SessionLost(f"The connection broke: {_cause(error)}")
    return None


def _nobody(error: Any, why: str) -> errors.RayingestError:
    url = getattr(getattr(error, "request", None), "url", None) or ""
    where = urlsplit(url).netloc or "its address"
    return errors.Unreachable(
        f"BigQuery at {where} cannot be reached: {why}",
        hint="Check hostPort, the network, and the proxy (HTTPS_PROXY).",
    )


def _refused(error: Exception) -> errors.RayingestError:
    """A sign-in that failed; Google's answer is the second argument, and has no secret."""
    if getattr(error, "retryable", False):
        return errors.Retryable(f"Google's sign-in failed: {error.args[0] if error.args else ''}")
    return errors.Unauthorised(
        f"Google does not accept the credentials: {error.args[0] if error.args else error}",
        hint="Is the key still there, and the account enabled? To act as another account needs "
        "roles/iam.serviceAccountTokenCreator on that.",
    )


def grant(text: str) -> str:
    """The role that is missing."""
    if JOBS in text:
        return f"Grant {RUN} on the project that pays (billingProjectId)."
    return f"Grant {READ} on the dataset, or on the project."


def _reasons(error: Any) -> set[str]:
    found = [each.get("reason") for each in error.errors or () if isinstance(each, dict)]
    return {str(each) for each in (*found, getattr(error, "reason", None)) if each}


def _wait(error: Any) -> float:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    told = headers.get("Retry-After", "")
    return float(told) if str(told).isdecimal() else WAIT


def _cause(error: Exception) -> str:
    """The innermost reason; what lies around it are words of libraries."""
    found: Any = error
    while True:
        inner = getattr(found, "reason", None) or next(
            (each for each in found.args if isinstance(each, Exception)), None
        )
        if not isinstance(inner, Exception):
            return str(found).rpartition(">: ")[2] or type(found).__name__
        found = inner
