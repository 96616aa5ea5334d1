# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Superset 3.1 and newer over its REST API, or out of its metadata database.

Over the API one call lists 100 dashboards or datasets, two describe a dashboard with its charts, one
a dataset; for a whole run besides one for 100 datasets and one for 100 users. Out of the database one
statement lists all, four describe a batch. Documented at
https://superset.apache.org/developer-docs/api/; what an account may see, at
https://superset.apache.org/docs/security/. The API tells nothing of what it may not, so both ways
tell the same only to an administrator.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from rayingest.config.connection import Choice, ConnectionModel, DashboardCommon, SslConfig
from rayingest.config.server import VerifySsl
from rayingest.connectors.dashboard._superset import entities, tables
from rayingest.connectors.dashboard._superset.entities import DASHBOARD, MODEL, Context
from rayingest.connectors.dashboard._superset.metadata import GRANT, Metadata, MetadataSource
from rayingest.connectors.dashboard._superset.pages import Pages
from rayingest.connectors.database.mysql import MysqlConnection
from rayingest.connectors.database.postgres import PostgresConnection
from rayingest.core import fqn
from rayingest.core.limits import Limit
from rayingest.core.source import (
    Batching,
    Capability,
    CheckResult,
    DiscoverableSource,
    Readable,
    Settings,
)
from rayingest.errors import Denied, Gone, SourceError
from rayingest.kit.dashboards import Place
from rayingest.kit.rest.api import Api, address
from rayingest.kit.rest.auth import LogIn
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.kinds import Found, Kind, Site
from rayingest.kit.rest.spec import Rest
from rayingest.kit.rest.tls import trust
from rayingest.kit.sql.mysql import connect as mysql
from rayingest.kit.sql.mysql.errors import classify as mysql_meant
from rayingest.kit.sql.postgres import connect as postgres
from rayingest.kit.sql.postgres.errors import classify as postgres_meant
from rayingest.kit.tables import Tables
from rayingest.model import EntityType

DASHBOARDS, DATASETS = "/api/v1/dashboard/", "/api/v1/dataset/"
USERS = "/api/v1/dashboard/related/owners"
LISTINGS = {
    DASHBOARDS: tables.DASHBOARDS,
    DATASETS: tables.DATASETS,
    USERS: tables.EMAILS,
}
NAMES = Pages(("id", "table_name"))
WITH_SQL = Pages((*NAMES.columns, "catalog", "schema", "sql"))
LIMITS = "https://github.com/apache/superset/blob/6.1.0/superset/config.py"  # RATELIMIT_APPLICATION, AUTH_RATE_LIMIT
VISIBLE = "Access to the data that its charts show (role Alpha: to all), or the role Admin."


class SupersetApiConnection(ConnectionModel):
    """An account of Superset's."""

    provider: Literal["db", "ldap"] = Field(description="Where Superset knows the account from.")
    username: str = Field(description="Name of the account.")
    password: SecretStr = Field(description="Its password.")
    verifySSL: VerifySsl = Field(
        VerifySsl.NO_SSL, description="https is always verified, unless this is `ignore`."
    )
    sslConfig: SslConfig | None = Field(None, description="Certificates for https.")


class SupersetConnection(DashboardCommon):
    """How to reach Superset."""

    type: Literal["Superset"] = Field("Superset", description="OpenMetadata's service type.")
    hostPort: str = Field(
        min_length=1, description="URL of Superset; with a database, too, for links lead there."
    )
    connection: Annotated[
        SupersetApiConnection | PostgresConnection | MysqlConnection, Choice()
    ] = Field(description="Superset's API, or the database in which it keeps its metadata.")


def connect(settings: Settings) -> Api:
    """A session with the API."""
    account: SupersetApiConnection = settings.connection.connection
    password = account.password.get_secret_value()
    http = Http(
        timeout=settings.call_timeout,
        limiter=settings.limiter,
        limits={"log-in": "log-in"},
        hidden=(password,),
        verify=trust(account.verifySSL, account.sslConfig),
        # A token that another secret key has signed: Superset was set up anew.
        stranger=lambda status, said: status == 422 and "Signature verification" in said,
    )
    url = _url(settings)
    body = {"username": account.username, "password": password, "provider": account.provider}
    hint = "Check username, password and provider; who signs in elsewhere (OAuth) has no password here."
    return Api(url, http, LogIn(f"{url}/api/v1/security/login", body, "access_token", hint=hint))


def open_metadata(settings: Settings) -> Metadata:
    """A session with the metadata database."""
    database = settings.connection.connection
    inner, url = replace(settings, connection=database), _url(settings)
    if isinstance(database, PostgresConnection):
        session = postgres.connect(inner, None)
        return Metadata(session, url, postgres_meant, '"', LISTINGS, usual="public")
    only = database.databaseSchema
    return Metadata(mysql.connect(inner, None), url, mysql_meant, "`", LISTINGS, only=only)


def _url(settings: Settings) -> str:
    return address(settings.connection.hostPort, "/api/v1", "/api")


def shared(api: Api | Metadata, settings: Settings, catalogue: Readable | None) -> Context:
    """Names of datasets, users' addresses and the catalogue's tables, as they are wanted."""
    options = settings.options
    known = Tables.of(catalogue, options.places)
    emails = _emails(api) if options.includeOwners else {}
    context = Context(emails=emails, tables=known)
    if not (options.includeDataModels or known.places):
        return context
    site = Site(Place(fqn.join(settings.service), api.url), settings, context)
    found: dict[str, Found] = {}
    beside: dict[str, tuple[str, ...]] = {}
    for each in api.items(DATASETS, WITH_SQL if known.places else NAMES):
        one, which = entities.dataset_found(each, site), str(each["id"])
        if options.includeDataModels and site.takes(MODEL, one):
            found[which] = one
        elif known.places:
            beside[which] = tuple(dict.fromkeys(entities.tables(each, one.fqn, site)))
    return replace(context, datasets=found, beside=beside)


def _emails(api: Api | Metadata) -> dict[str, str]:
    """Those who may own something."""
    try:
        users = list(api.items(USERS, Pages(identity="value")))
    except (Denied, Gone):
        return {}
    told = ((each["value"], each.get("email") or _extra(each)) for each in users)
    return {str(identity): email for identity, email in told if email}


def _extra(user: Mapping[str, Any]) -> str | None:
    return (user.get("extra") or {}).get("email")


@dataclass(frozen=True)
class Superset(Rest):
    """One connector with two kinds of session."""

    @property
    def batching(self) -> Mapping[EntityType, Batching]:
        """See Connector: a batch of the database's is as quick as one; the API's are cut as they take."""
        return dict.fromkeys(self.kinds, Batching(1, 25))

    def prepare(self, settings: Settings, catalogue: Readable | None) -> Any:
        """See Connector."""
        if _by_api(settings):
            return super().prepare(settings, catalogue)
        metadata = open_metadata(settings)
        try:
            return shared(metadata, settings, catalogue)
        finally:
            metadata.close()

    @contextmanager
    def open(self, settings: Settings, context: Any = None) -> Generator[DiscoverableSource]:
        """See Connector."""
        if _by_api(settings):
            with super().open(settings, context) as source:
                yield source
            return
        source = MetadataSource(self.kinds, open_metadata(settings), settings, context)
        try:
            yield source
        finally:
            source.close()

    def check(self, settings: Settings) -> Iterator[CheckResult]:
        """See Connector."""
        if _by_api(settings):
            yield from super().check(settings)
            return
        metadata = open_metadata(settings)
        try:
            metadata.try_all()
        except SourceError as error:
            yield CheckResult("Superset's tables", "denied", str(error), error.hint or GRANT)
        else:
            yield CheckResult("Superset's tables", "ok")
        finally:
            metadata.close()


def _by_api(settings: Settings) -> bool:
    return isinstance(settings.connection.connection, SupersetApiConnection)


CONNECTOR = Superset(
    service_type="Superset",
    family="dashboard",
    connection=SupersetConnection,
    connect=connect,
    shared=shared,
    kinds={
        MODEL: Kind(
            path=DATASETS,
            pager=lambda connection: NAMES,
            found=entities.dataset_found,
            details=(DATASETS + "{id}",),
            describe=entities.dataset,
            grant=VISIBLE,
            wanted=lambda options: options.includeDataModels,
        ),
        DASHBOARD: Kind(
            path=DASHBOARDS,
            pager=lambda connection: Pages(("id", "dashboard_title", "published")),
            found=entities.dashboard_found,
            details=(DASHBOARDS + "{id}", DASHBOARDS + "{id}/charts"),
            describe=entities.dashboard,
            grant=VISIBLE,
        ),
    },
    max_connections=10,  # Superset needs its database, too
    # In force in 3.1; in 6.1 where SUPERSET_ENV is "production". An administrator may set others.
    # A refusal is a 429 that does not say how long to wait.
    limits=(
        Limit(name="api", rate=50, burst=50, documented=LIMITS),
        Limit(name="log-in", rate=5, burst=5, documented=LIMITS),
    ),
    capabilities=frozenset(
        {
            Capability.DASHBOARDS,
            Capability.CHARTS,
            Capability.DATA_MODELS,
            Capability.COLUMNS,
            Capability.OWNERS,
            Capability.TAGS,
            Capability.LINEAGE,
        }
    ),
    lacks={
        Capability.PROJECTS: "Superset has no folders",
        Capability.VIEWS: "the catalogue has one type for all its datasets; their SQL is told",
        Capability.USAGE: "Superset's log of actions is not read",
    },
)
