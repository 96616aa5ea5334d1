"""Power BI as a source: workspaces are listed by one call, and scanned by the hundred."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rayingest.connectors.dashboard._powerbi.entities import described
from rayingest.connectors.dashboard._powerbi.home import DASHBOARD, MODEL, WORKSPACE
from rayingest.core import fqn
from rayingest.core.source import (
    CheckResult,
    Described,
    EntityDescriptor,
    Listed,
    Processed,
    Readable,
    ScopeListed,
    Settings,
)
from rayingest.errors import ConfigError, Permanent
from rayingest.kit.checks import tried
from rayingest.kit.dashboards import Place
from rayingest.kit.rest.api import Api, address
from rayingest.kit.rest.auth import ClientCredentials
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.jobs import JobFailed, Jobs, Waits
from rayingest.kit.rest.kinds import Site
from rayingest.kit.rest.pages import Offsets, Whole
from rayingest.kit.tables import Tables
from rayingest.model import EntityType

MOST = 100  # workspaces of one scan
MODIFIED = "/admin/workspaces/modified"
GROUPS = "/admin/groups"
INFO = "/admin/workspaces/getInfo"
STATUS = "/admin/workspaces/scanStatus"
RESULT = "/admin/workspaces/scanResult"
LIMITS = {
    MODIFIED: "modified",
    GROUPS: "groups",
    INFO: "getInfo",
    STATUS: "scanStatus",
    RESULT: "scanResult",
}
ACTIVE = {"excludePersonalWorkspaces": "True", "excludeInActiveWorkspaces": "True"}
NAMED = Offsets("value", size=5000, offset="$skip", limit="$top", exact=True)
# Microsoft recommends to ask every 30-60 s; small scans are done in a few seconds.
WAITS = Waits(first=5.0, most=60.0)
HINT = (
    "Check clientId, clientSecret, tenantId and scope of the connection, and whether the service"
    " principal may use read-only admin APIs (tenant settings of Power BI)."
)
GRANT = (
    "Let the service principal's security group use read-only admin APIs in the tenant settings of"
    " Power BI, and take admin-consented permissions for Power BI from its app."
)


def connect(settings: Settings) -> Api:
    """A session that has not logged in yet."""
    config = settings.connection
    if not config.useAdminApis:
        raise ConfigError(
            "useAdminApis is false, and Power BI is read through its admin APIs only.",
            hint="Set it to true, and let the service principal use read-only admin APIs.",
        )
    secret = config.clientSecret.get_secret_value()
    http = Http(
        timeout=settings.call_timeout, limiter=settings.limiter, limits=LIMITS, hidden=(secret,)
    )
    who = ClientCredentials(
        f"{address(config.authorityURI)}/{quote(config.tenantId, safe='')}/oauth2/v2.0/token",
        config.clientId,
        secret,
        scope=" ".join(config.scope),
        in_body=True,
        hint=HINT,
    )
    return Api(f"{address(config.apiURL, '/v1.0/myorg', '/v1.0')}/v1.0/myorg", http, who)


def prepare(settings: Settings, catalogue: Readable | None) -> Tables:
    """The catalogue's tables. Of Power BI nothing is needed, but who is refused hears it now."""
    api = connect(settings)
    try:
        api.log_in()
    finally:
        api.close()
    return Tables.of(catalogue, settings.options.places)


def check(settings: Settings) -> Iterator[CheckResult]:
    """Log in, and list the workspaces."""
    api = connect(settings)
    try:
        api.log_in()
        yield tried("workspaces", lambda: next(api.items(MODIFIED, Whole(), ACTIVE), None), GRANT)
    finally:
        api.close()


class PowerBISource:
    """A session, for one thread at a time. It remembers no scan: descriptors tell theirs."""

    def __init__(self, settings: Settings, context: Tables | None) -> None:
        self._settings = settings
        self._api = connect(settings)
        config = settings.connection
        place = Place(fqn.join(settings.service), address(config.hostPort))
        self._site = Site(place, settings, context or Tables())
        self._jobs = Jobs(
            submit=self._submit,
            done=self._done,
            fetch=self._fetch,
            describe=self._described,
            size=min(MOST, config.pagination_entity_per_page),
            waits=WAITS,
        )

    @property
    def calls(self) -> int:
        """Requests so far."""
        return self._api.calls

    def close(self) -> None:
        """End the session."""
        self._api.close()

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """Workspaces; what lies in them comes with them, or by itself when it is not understood."""
        return (WORKSPACE, MODEL, DASHBOARD)

    # --- discovery ---

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """Ids of all workspaces; their names are asked for only when a pattern looks at them."""
        if entity_type is not WORKSPACE:
            return
        filters, place = self._settings.filters, self._site.place
        names = self._names() if filters.projects is not None else None
        count = filtered = 0
        for identity in dict.fromkeys(_workspaces(self._api)):
            if names is not None and not filters.keeps_project(names.get(identity, "")):
                filtered += 1
                continue
            count += 1
            told = {"workspace": identity}
            yield EntityDescriptor(WORKSPACE, place.named(identity), place.service, metadata=told)
        yield ScopeListed(WORKSPACE, place.service, count, filtered=filtered)

    def _names(self) -> dict[str, str]:
        found = self._api.items(GROUPS, NAMED)
        return {str(each["id"]): str(each.get("name") or "") for each in found}

    # --- processing ---

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """A scan for up to a hundred, and what it has found."""
        return self._jobs.process(descriptors)

    def _submit(self, descriptors: Sequence[EntityDescriptor]) -> str:
        options = self._settings.options
        wanted = {
            "lineage": True,
            "datasetSchema": options.includeDataModels,
            "datasetExpressions": options.includeDataModels,
            "getArtifactUsers": options.includeOwners,
        }
        query = "&".join(f"{key}={value}" for key, value in wanted.items())
        asked = dict.fromkeys(each.metadata["workspace"] for each in descriptors)
        told = self._api.post(f"{INFO}?{query}", {"workspaces": list(asked)}, route=INFO)
        return _told(told, "id", INFO)

    def _done(self, scan: str) -> bool:
        told = self._api.get(f"{STATUS}/{quote(scan, safe='')}", route=STATUS)
        status = _told(told, "status", STATUS)
        if status == "Failed":
            error = told.get("error") or {}
            said = error.get("message") or error.get("code") or "it does not say why"
            raise JobFailed(f"Power BI gave the scan up: {said}")
        return status == "Succeeded"

    def _fetch(self, scan: str) -> Mapping[str, Any]:
        """Workspaces by their ids."""
        told = self._api.get(f"{RESULT}/{quote(scan, safe='')}", route=RESULT)
        found = told.get("workspaces") if isinstance(told, dict) else None
        if not isinstance(found, list):
            raise Permanent(f"{RESULT} answers without a list of workspaces.")
        return {each["id"]: each for each in found if isinstance(each, dict) and "id" in each}

    def _described(self, descriptor: EntityDescriptor, found: Mapping[str, Any]) -> Described:
        identity = descriptor.metadata["workspace"]
        if identity not in found:
            raise Permanent(
                f"The scan does not tell of the workspace {identity}.",
                hint="Run again; if it stays so, look whether the workspace is still there.",
            )
        return described(descriptor, found[identity], self._site)


def _workspaces(api: Api) -> Iterator[str]:
    for each in api.items(MODIFIED, Whole(), ACTIVE):
        yield _told(each, "id", MODIFIED)


def _told(answer: Any, key: str, path: str) -> str:
    """What an answer has under a key. Raises Permanent."""
    found = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(found, str) or not found:
        raise Permanent(f"{path} answers without {key!r}.")
    return found
