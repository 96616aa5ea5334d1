# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""Metabase over its API, 0.40 and newer, with an API key or as a user.

One call lists all dashboards, one describes one with its questions; models are listed by a search and
described by a call each. For a whole run besides one for the collections and one for the models that
dashboards may ask, and as they are wanted for people and for tables. Documented at
https://www.metabase.com/docs/latest/api.

A search tells 1,000 models at most (https://github.com/metabase/metabase/issues/57413): a listing
that is just so long is reported as incomplete. It is cut before it is looked at what an account may
see, so one that may not see all models can be told fewer and not notice.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from rayingest.config.connection import DashboardCommon
from rayingest.connectors.dashboard._metabase import entities
from rayingest.connectors.dashboard._metabase.entities import DASHBOARD, MODEL, Context
from rayingest.core import fqn
from rayingest.core.source import Capability, Readable, Settings
from rayingest.errors import Denied, Gone
from rayingest.kit.dashboards import Place
from rayingest.kit.rest.api import Api, address
from rayingest.kit.rest.auth import LogIn, api_key
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.kinds import Found, Kind, Site
from rayingest.kit.rest.pages import Cut, Whole
from rayingest.kit.rest.spec import Rest
from rayingest.kit.tables import Tables

SEARCH, MODELS = "/api/search", {"models": "dataset"}  # what models were called at first
FOUND = Whole("data", most=1000)


class MetabaseConnection(DashboardCommon):
    """How to reach Metabase."""

    type: Literal["Metabase"] = Field("Metabase", description="OpenMetadata's service type.")
    hostPort: str = Field(min_length=1, description="URL of Metabase.")
    username: str | None = Field(None, description="E-mail address of a user, with `password`.")
    password: SecretStr | None = Field(None, description="Password of that user.")
    apiKey: SecretStr | None = Field(
        None, description="An API key, instead of a user. It wins when both are given."
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.apiKey and not (self.username and self.password):
            raise ValueError("expected an apiKey, or a username and a password")
        return self


def connect(settings: Settings) -> Api:
    """A session."""
    config: MetabaseConnection = settings.connection
    key, password = (
        each.get_secret_value() if each else "" for each in (config.apiKey, config.password)
    )
    http = Http(timeout=settings.call_timeout, limiter=settings.limiter, hidden=(key, password))
    url = address(config.hostPort, "/api")
    if key:
        return Api(url, http, api_key("X-API-KEY", key))
    log_in = LogIn(
        f"{url}/api/session",
        {"username": config.username, "password": password},
        "id",
        header="X-Metabase-Session",
        prefix="",
        hint="Check username and password; who signs in elsewhere (SSO) needs an apiKey.",
    )
    return Api(url, http, log_in)


def shared(api: Api, settings: Settings, catalogue: Readable | None) -> Context:
    """Collections always; people, models and tables when the options want them."""
    options = settings.options
    folders = list(api.items("/api/collection", Whole()))
    tables = Tables.of(catalogue, options.places)
    names, engines = _tables(api) if tables.places else ({}, {})
    context = Context(
        entities.projects(folders),
        entities.personal(folders),
        _users(api) if options.includeOwners else {},
        names=names,
        engines=engines,
        tables=tables,
    )
    site = Site(Place(fqn.join(settings.service), api.url), settings, context)
    return replace(context, models=_models(api, site) if options.includeDataModels else {})


def _users(api: Api) -> dict[str, str]:
    try:
        users = list(api.items("/api/user", Whole("data")))
    except (Denied, Gone):  # only an admin may
        return {}
    return {str(each["id"]): each["email"] for each in users if each.get("email")}


def _models(api: Api, site: Site) -> dict[str, Found]:
    found: dict[str, Found] = {}
    with suppress(Cut):  # the listing of models reports it
        for each in api.items(SEARCH, FOUND, MODELS):
            found[str(each["id"])] = entities.model_found(each, site)
    return found


def _tables(api: Api) -> tuple[dict[str, str], dict[str, str]]:
    """Tables' names and databases' kinds; an admin is told how databases are reached: that stays here."""
    names, engines = {}, {}
    for each in api.items("/api/table", Whole()):
        database = each.get("db") or {}
        # MySQL has no schemas, and the catalogue has its databases as such.
        schema = each.get("schema") or (database.get("details") or {}).get("dbname")
        names[str(each["id"])] = ".".join(f'"{part}"' for part in (schema, each["name"]) if part)
        engines[str(each.get("db_id"))] = str(database.get("engine"))
    return names, engines


CONNECTOR = Rest(
    service_type="Metabase",
    family="dashboard",
    connection=MetabaseConnection,
    connect=connect,
    shared=shared,
    kinds={
        MODEL: Kind(
            path=SEARCH,
            params=MODELS,
            pager=lambda connection: FOUND,
            found=entities.model_found,
            details=("/api/card/{id}",),
            describe=entities.model,
            grant="View access to the collections.",
            wanted=lambda options: options.includeDataModels,
        ),
        DASHBOARD: Kind(
            path="/api/dashboard",
            found=entities.dashboard_found,
            details=("/api/dashboard/{id}",),
            describe=entities.dashboard,
            grant="View access to the collections.",
        ),
    },
    capabilities=frozenset(
        {
            Capability.DASHBOARDS,
            Capability.CHARTS,
            Capability.DATA_MODELS,
            Capability.COLUMNS,
            Capability.PROJECTS,
            Capability.OWNERS,
            Capability.LINEAGE,
        }
    ),
    lacks={
        Capability.TAGS: "Metabase has none",
        Capability.VIEWS: "its models are questions, not views",
        # https://github.com/metabase/metabase/issues/48924
        Capability.USAGE: "its count of views rises when a dashboard is read, by a run as well",
    },
)
