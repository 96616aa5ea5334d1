"""`rayingest check` for Unity Catalog: what the account may see, and the grant that mends the rest."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from rayingest.connectors.database._unity.api import GRANTS, kept, members
from rayingest.connectors.database._unity.connect import (
    LEGACY,
    USE_A_WAREHOUSE,
    WorkspaceConnection,
    connect,
)
from rayingest.connectors.database._unity.facets import (
    NO_WAREHOUSE,
    keys_query,
    tags_query,
)
from rayingest.connectors.database._unity.queries import Query, asked
from rayingest.connectors.database._unity.statements import Statements
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import ConfigError, RayingestError, Unauthorised, Unreachable
from rayingest.kit.rest.api import Api
from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.trial import refusal
from rayingest.model import EntityType

NO_CATALOG = "the account sees no catalog that databaseFilterPattern keeps"
Raw = Mapping[str, Any]


def check(settings: Settings) -> Iterator[CheckResult]:
    """Log in, then list the first of each type, and try both statements on the warehouse."""
    try:
        with closing(connect(settings)) as api:
            yield from _listings(api, settings)
            yield from _statements(api, settings)
    except (Unauthorised, Unreachable, ConfigError) as error:
        yield CheckResult("connect", "failed", str(error), error.hint)
        return
    if settings.connection.type == "Databricks":  # whose users may have nothing else
        yield CheckResult("hive_metastore", "warning", LEGACY)


def _listings(api: Api, settings: Settings) -> Iterator[CheckResult]:
    config: WorkspaceConnection = settings.connection
    try:
        api.log_in()
        found = kept(api, settings)
    except (Unauthorised, Unreachable, ConfigError):
        raise
    except RayingestError as error:
        yield refusal(Capability.DATABASES, error)
        return
    yield CheckResult("connect", "ok", config.url)
    if found:
        yield CheckResult(Capability.DATABASES, "ok", f"catalogs: {len(found)}")
    else:
        yield CheckResult(Capability.DATABASES, "warning", NO_CATALOG, GRANTS[EntityType.DATABASE])
    within: tuple[str, ...] = tuple(found[:1])
    wanted = {
        Capability.SCHEMAS: EntityType.DATABASE_SCHEMA,
        Capability.TABLES: EntityType.TABLE,
        Capability.PROCEDURES: EntityType.STORED_PROCEDURE,
    }
    for capability, kind in wanted.items():
        if not within or kind not in Wants.of(settings.options).types:
            continue
        first, result = _tried(capability, api, kind, within)
        yield result
        if capability is Capability.SCHEMAS:
            within = (*within, first["name"]) if first else ()


def _tried(
    capability: Capability, api: Api, kind: EntityType, within: Sequence[str]
) -> tuple[Raw | None, CheckResult]:
    """The first that is listed, by one page."""
    try:
        found = next(members(api, kind, *within), None)
    except (Unauthorised, Unreachable):
        raise
    except RayingestError as error:
        return None, refusal(capability, error)
    listed = "lists some" if found else "lists none"
    return found, CheckResult(capability, "ok", f"{'.'.join(within)} {listed}")


def _statements(api: Api, settings: Settings) -> Iterator[CheckResult]:
    config: WorkspaceConnection = settings.connection
    queries: dict[Capability, Query] = {Capability.KEYS: keys_query}
    if Wants.of(settings.options).tags:
        queries[Capability.TAGS] = tags_query
    for capability, query in queries.items():
        if config.warehouse is None:
            yield CheckResult(capability, "warning", NO_WAREHOUSE, USE_A_WAREHOUSE)
            continue
        statements = Statements(api, config.warehouse, settings.call_timeout)
        try:
            found = len(asked(api, statements, query, settings))
        except (Unauthorised, Unreachable):
            raise
        except RayingestError as error:
            yield refusal(capability, error)
        else:
            yield CheckResult(capability, "ok", f"SQL warehouse {config.warehouse}, rows: {found}")
