"""`rayingest check`: is the catalogue there, which version is it, may we write."""

from collections.abc import Iterator

from rayingest.core.source import CheckResult
from rayingest.errors import ConfigError, RayingestError
from rayingest.sinks.openmetadata.client import Client

KNOWN = ("1.13", "2.")


def check(client: Client) -> Iterator[CheckResult]:
    """Reachable, version, authorised: in this order, until one fails."""
    try:
        version = _version(client)
    except RayingestError as error:
        yield CheckResult("sink", "failed", str(error), error.hint)
        return
    yield CheckResult("sink", "ok", f"{client.server.host_port} answers")
    if client.server.validate_version and not version.startswith(KNOWN):
        yield CheckResult(
            "sink version",
            "warning",
            f"OpenMetadata {version or 'of unknown version'}: written for 1.13 and 2.x",
        )
    else:
        yield CheckResult("sink version", "ok", f"OpenMetadata {version}")
    yield _authorised(client)


def _version(client: Client) -> str:
    reply = client.call("GET", "/system/version")
    if not reply.ok or not isinstance(reply.data, dict):
        raise ConfigError(
            f"{client.server.base}/system/version answers {reply.status}: {reply.message}",
            hint="Is hostPort an OpenMetadata server? It ends in /api.",
        )
    return str(reply.data.get("version", ""))


def _authorised(client: Client) -> CheckResult:
    try:
        reply = client.call("GET", "/services/databaseServices", params={"limit": "1"})
    except RayingestError as error:
        return CheckResult("sink login", "denied", str(error), error.hint)
    if reply.status == 403:
        return CheckResult(
            "sink login", "denied", reply.message, "Give the bot the role of an ingestion bot."
        )
    if not reply.ok:
        return CheckResult("sink login", "failed", f"{reply.status}: {reply.message}")
    return CheckResult("sink login", "ok", "our credentials are accepted")
