# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Tableau Cloud and Tableau Server, over the REST API and the Metadata API.

One call lists 1,000 workbooks, one describes one with its views. The Metadata API describes
`paginationLimit` data sources at once. For a whole run besides: a sign-in, and a call for each 1,000 of
projects, workbooks, views with their usage, and data sources of either kind, of people when owners are
wanted. Documented at
https://help.tableau.com/current/api/rest_api/en-us/REST/rest_api.htm and
https://help.tableau.com/current/api/metadata_api/en-us/index.html; that REST answers in JSON:
https://help.tableau.com/current/api/rest_api/en-us/REST/rest_api_concepts_example_requests.htm.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator

from rayingest.config.connection import Choice, ConnectionModel, DashboardCommon, SslConfig
from rayingest.config.server import VerifySsl
from rayingest.connectors.dashboard._tableau import data_sources, entities
from rayingest.connectors.dashboard._tableau.entities import DASHBOARD, MODEL, Context
from rayingest.connectors.dashboard._tableau.metadata import LIMIT, LIMITS
from rayingest.connectors.dashboard._tableau.session import SORT, Pages, SignIn, Tableau, Ticket
from rayingest.connectors.dashboard._tableau.shared import shared, why_not, why_uncounted
from rayingest.connectors.dashboard._tableau.source import TableauSource
from rayingest.core.limits import Limit
from rayingest.core.source import (
    Batching,
    Capability,
    CheckResult,
    DiscoverableSource,
    Readable,
    Settings,
)
from rayingest.kit.rest.api import Api, address
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.kinds import Kind
from rayingest.kit.rest.spec import POLITE, Rest
from rayingest.kit.rest.tls import trust
from rayingest.model import EntityType

ERRORS = "https://help.tableau.com/current/api/metadata_api/en-us/docs/meta_api_errors.html"


class Password(ConnectionModel):
    """A user of Tableau."""

    username: str = Field(description="Name of a user.")
    password: SecretStr = Field(description="Password of that user.")


class AccessToken(ConnectionModel):
    """A personal access token; Tableau Cloud with multi-factor authentication takes nothing else."""

    personalAccessTokenName: str = Field(description="Name of the token.")
    personalAccessTokenSecret: SecretStr = Field(
        description="Secret of the token. It has one sign-in at a time: nobody else may use it meanwhile."
    )


class TableauConnection(DashboardCommon):
    """How to reach Tableau."""

    type: Literal["Tableau"] = Field("Tableau", description="OpenMetadata's service type.")
    hostPort: str = Field(min_length=1, description="URL of Tableau Server, or of your Cloud pod.")
    authType: Annotated[Password | AccessToken, Choice()] = Field(
        description="A user's name and password, or a personal access token."
    )
    siteName: str | None = Field(
        None, description="The site as its URL has it, after `/site/`; absent for the default site."
    )
    paginationLimit: int = Field(
        10,
        ge=1,
        description="Data sources that are asked for at once; less when Tableau refuses.",
    )
    apiVersion: str | None = Field(
        None, description="Version of the REST API; absent for the newest that the server has."
    )
    proxyURL: str | None = Field(
        None, description="Address at which users open Tableau, when it is not hostPort."
    )
    verifySSL: VerifySsl = Field(
        VerifySsl.NO_SSL, description="https is always verified, unless this is `ignore`."
    )
    sslConfig: SslConfig | None = Field(None, description="Certificates for https.")

    @field_validator("siteName", "apiVersion", "proxyURL")
    @classmethod
    def _nothing(cls, told: str | None) -> str | None:
        """What is empty in the user interface is absent."""
        return (told or "").strip() or None


def connect(settings: Settings, ticket: Ticket | None = None) -> Tableau:
    """A session, with what another one has signed in for."""
    config: TableauConnection = settings.connection
    given = config.authType
    if isinstance(given, AccessToken):
        secret = given.personalAccessTokenSecret.get_secret_value()
        name = given.personalAccessTokenName
        who = {"personalAccessTokenName": name, "personalAccessTokenSecret": secret}
        hint = "Check the token, its expiry and siteName; while we use it, nobody else may sign in with it."
    else:
        secret = given.password.get_secret_value()
        who = {"name": given.username, "password": secret}
        hint = "Check username, password and siteName; with multi-factor authentication a token is needed."
    http = Http(
        timeout=settings.call_timeout,
        limiter=settings.limiter,
        limits=LIMITS,
        hidden=(secret,),
        verify=trust(config.verifySSL, config.sslConfig),
    )
    url = address(config.hostPort.partition("/#")[0], "/api")  # as a browser shows it
    credentials: Mapping[str, Any] = {**who, "site": {"contentUrl": config.siteName or ""}}
    ticket = ticket or Ticket()
    if isinstance(given, AccessToken):
        ticket.seal_with(secret)
    sign_in = SignIn(url, credentials, ticket, config.apiVersion or "", hint)
    return Tableau(url, http, sign_in)


def _shared(api: Api, settings: Settings, catalogue: Readable | None) -> Context:
    assert isinstance(api, Tableau)  # noqa: S101 - `connect` makes no other
    return shared(api, settings, catalogue)


@dataclass(frozen=True)
class TableauConnector(Rest):
    """Its sessions share a sign-in, and describe many data sources at once."""

    @property
    def batching(self) -> Mapping[EntityType, Batching]:
        """See Connector: a call for each workbook, one for many data sources."""
        return {DASHBOARD: Batching(1, 5), MODEL: Batching(1, 50)}

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator[DiscoverableSource]:
        """See Connector."""
        given = context or Context(incomplete="What is shared was not prepared.")
        source = TableauSource(self.kinds, connect(settings, given.ticket), settings, given)
        try:
            yield source
        finally:
            source.close()

    def _checked(self, api: Api, settings: Settings) -> Iterator[CheckResult]:
        yield from super()._checked(api, settings)
        assert isinstance(api, Tableau)  # noqa: S101 - `connect` makes no other
        why = why_not(api) if settings.options.includeDataModels else None
        if why is not None:
            yield CheckResult("metadata API", "warning", why)
        if settings.options.includeUsage and (why := why_uncounted(api)):
            yield CheckResult("usage", "warning", why)


CONNECTOR = TableauConnector(
    service_type="Tableau",
    family="dashboard",
    extra="tableau",
    connection=TableauConnection,
    connect=connect,
    shared=_shared,
    kinds={
        MODEL: Kind(
            path="/datasources",
            params=SORT,
            pager=lambda connection: Pages("datasources", "datasource"),
            found=data_sources.published_found,
            describe=data_sources.published,
            grant="The capability View on the data sources.",
            wanted=lambda options: options.includeDataModels,
        ),
        DASHBOARD: Kind(
            path="/workbooks",
            params=SORT,
            pager=lambda connection: Pages("workbooks", "workbook"),
            found=entities.workbook_found,
            details=("/workbooks/{id}",),
            describe=entities.workbook,
            grant="The capability View on the workbook.",
        ),
    },
    # The vendor tells no number: questions cost points, of which a site has so many in a second.
    limits=(*POLITE, Limit(name=LIMIT, adaptive=True, scope="site", documented=ERRORS)),
    capabilities=frozenset(
        {
            Capability.DASHBOARDS,
            Capability.CHARTS,
            Capability.DATA_MODELS,
            Capability.COLUMNS,
            Capability.PROJECTS,
            Capability.OWNERS,
            Capability.TAGS,
            Capability.LINEAGE,
            Capability.USAGE,
        }
    ),
    lacks={
        Capability.VIEWS: "its data sources are no views",
    },
)
