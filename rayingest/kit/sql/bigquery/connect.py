"""From the config to a client: credentials, the address, the project that pays, deadlines."""

from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlsplit

from rayingest.config.gcp import GcpCredentials
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, MissingDriver
from rayingest.kit.gcp import Found, credentials
from rayingest.kit.hosts import is_local
from rayingest.kit.sql.bigquery.policies import Policies
from rayingest.kit.sql.bigquery.session import BigQuerySession

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
EXTRA = "bigquery"
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0  # for one HTTP answer; a query that takes longer is asked after again


class Connection(Protocol):
    """The fields that are needed of a connection model."""

    hostPort: str  # noqa: N815 - OpenMetadata's spelling
    billingProjectId: str | None  # noqa: N815
    credentials: GcpCredentials
    includePolicyTags: bool  # noqa: N815
    taxonomyProjectID: list[str] | None  # noqa: N815
    taxonomyLocation: str | None  # noqa: N815


def connect(settings: Settings, database: str | None) -> BigQuerySession:
    """Make a client for one project; the first question signs in."""
    try:
        bigquery: Any = import_module("google.cloud.bigquery")
    except ImportError as error:
        raise MissingDriver(EXTRA, "google-cloud-bigquery") from error
    config: Connection = settings.connection
    url = address(config.hostPort)
    emulated = url.startswith("http://")
    found, _ = _signed(settings)
    named = database or projects(settings)[0]
    web = _http(found, settings.call_timeout)
    client = bigquery.Client(
        project=config.billingProjectId or named,
        credentials=found,
        _http=web,
        client_options={"api_endpoint": url},
    )
    session = BigQuerySession(
        client,
        named,
        seconds=max(1.0, settings.call_timeout),
        limiter=settings.limiter,
        emulated=emulated,
        web=web,
    )
    if config.includePolicyTags and not emulated:
        session.policy_tags = Policies(session).tags
    return session


def projects(settings: Settings) -> tuple[str, ...]:
    """The projects to read, at least one. Raises ConfigError."""
    config: Connection = settings.connection
    if named := config.credentials.projects:
        return named
    _, own = _signed(settings)
    if found := own or config.billingProjectId:
        return (found,)
    raise ConfigError(
        "credentials.gcpConfig names no project, and neither do the credentials.",
        hint="Name the projects to read: credentials.gcpConfig.projectId.",
    )


def address(host_port: str) -> str:
    """The URL of the API; without TLS only on this machine, where an emulator may listen."""
    url = host_port if "://" in host_port else f"https://{host_port}"
    parts = urlsplit(url.rstrip("/"))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"hostPort: {host_port!r} is no address.", hint="Google's is bigquery.googleapis.com."
        )
    if parts.scheme == "http" and not is_local(parts.hostname):
        raise ConfigError(
            f"hostPort: {host_port!r} would send credentials without encryption.",
            hint="Only an emulator on this machine may be asked over http.",
        )
    return parts.geturl()


def _signed(settings: Settings) -> Found:
    """Credentials and the project that they name; an emulator gets none that could leak."""
    config: Connection = settings.connection
    if address(config.hostPort).startswith("http://"):
        try:
            auth: Any = import_module("google.auth.credentials")
        except ImportError as error:
            raise MissingDriver(EXTRA, "google-auth") from error
        return auth.AnonymousCredentials(), None
    return credentials(config.credentials, SCOPES, EXTRA)


def _http(found: Any, seconds: float) -> Any:
    """Google's HTTP session, with deadlines that no call can leave out."""
    transport: Any = import_module("google.auth.transport.requests")
    longest = max(1.0, min(seconds, ANSWER_SECONDS))

    class Session(transport.AuthorizedSession):  # type: ignore[misc]
        """An AuthorizedSession whose calls end: some of the client's have no deadline."""

        def request(self, *args: Any, **more: Any) -> Any:
            more["timeout"] = (min(CONNECT_SECONDS, longest), longest)
            return super().request(*args, **more)

    return Session(found)
