"""Unity Catalog's REST API: how each type is listed and asked for, and what a refusal means.

A page may be empty and not be the last, and an empty one may lack its list:
https://docs.databricks.com/api/workspace/tables/list. With BROWSE alone an account sees what there is,
when it asks with `include_browse`.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from rayingest.core import fqn
from rayingest.core.source import Settings
from rayingest.errors import ConfigError, Denied, Forbidden, Gone, Permanent
from rayingest.kit.rest.api import Api
from rayingest.kit.rest.pages import Cursor
from rayingest.model import EntityType

ROOT = "/api/2.1/unity-catalog"
PATHS = {
    EntityType.DATABASE: "catalogs",
    EntityType.DATABASE_SCHEMA: "schemas",
    EntityType.TABLE: "tables",
    EntityType.STORED_PROCEDURE: "functions",
}
BROWSE = {"include_browse": "true"}
UNREAD = {EntityType.TABLE: {"omit_properties": "true"}}  # most of some answers, and not read
HIDDEN = {"information_schema"}
# Catalogs that nobody made: Databricks' own tables, and what it keeps for itself.
SYSTEMS = {"SYSTEM_CATALOG", "INTERNAL_CATALOG"}
SYSTEM_NAMES = {"system", "__databricks_internal"}
GRANTS = {
    EntityType.DATABASE: "Grant USE CATALOG or BROWSE on the catalogs to the account.",
    EntityType.DATABASE_SCHEMA: "GRANT USE CATALOG, USE SCHEMA ON CATALOG `{0}` TO …; or BROWSE.",
    EntityType.TABLE: "GRANT USE CATALOG ON CATALOG `{0}` TO …; "
    "GRANT USE SCHEMA, SELECT ON SCHEMA `{0}`.`{1}` TO …; or BROWSE on the catalog.",
    EntityType.STORED_PROCEDURE: "GRANT USE CATALOG ON CATALOG `{0}` TO …; "
    "GRANT USE SCHEMA, EXECUTE ON SCHEMA `{0}`.`{1}` TO …; or BROWSE on the catalog.",
}
MORE_THAN_BROWSE = (
    "GRANT SELECT ON TABLE `{0}`.`{1}`.`{2}` TO …, and USE CATALOG and USE SCHEMA on what it is in."
)
Raw = Mapping[str, Any]


def catalogs(api: Api, wanted: str | None) -> Iterator[Raw]:
    """All catalogs that the account sees; or the one that the config names. Raises ConfigError."""
    if wanted is None:
        with _place(EntityType.DATABASE):
            for each in _items(api, EntityType.DATABASE, {}):
                if each.get("catalog_type") not in SYSTEMS and each["name"] not in SYSTEM_NAMES:
                    yield each
        return
    try:
        yield one(api, EntityType.DATABASE, wanted)
    except Gone as error:
        raise ConfigError(
            f"There is no catalog {wanted!r}, or the account may not see it: {error}",
            hint="Check `catalog` of the connection; `rayingest check` counts those it may see.",
        ) from None


def kept(api: Api, settings: Settings) -> list[str]:
    """Names of the catalogs that the config and its patterns keep."""
    keeps, service = settings.filters.keeps, fqn.join(settings.service)
    names = [each["name"] for each in catalogs(api, settings.connection.catalog)]
    return [each for each in names if keeps(EntityType.DATABASE, each, fqn.child(service, each))]


def members(api: Api, entity_type: EntityType, *within: str) -> Iterator[Raw]:
    """The schemas of a catalog; the tables or functions of a schema, which is named after its catalog."""
    params = dict(zip(("catalog_name", "schema_name"), within, strict=False))
    with _place(entity_type, *within):
        for each in _items(api, entity_type, params):
            if entity_type is not EntityType.DATABASE_SCHEMA or each["name"] not in HIDDEN:
                yield each


def one(api: Api, entity_type: EntityType, *names: str) -> Raw:
    """One thing by its full name. Raises Denied, Gone and Forbidden for what only BROWSE shows."""
    path = ".".join([quote(each, safe="") for each in names])
    found: Raw
    with _place(entity_type, *names):
        found = api.get(f"{ROOT}/{PATHS[entity_type]}/{path}", BROWSE, route=PATHS[entity_type])
    if entity_type is EntityType.TABLE and is_hidden(found):
        raise Forbidden(
            "The account has only BROWSE on it: its columns are not shown.",
            hint=MORE_THAN_BROWSE.format(*names),
        )
    return found


def is_hidden(raw: Raw) -> bool:
    """Whether a table is named only: with BROWSE not everything of it is told."""
    return bool(raw.get("browse_only")) and not raw.get("columns")


def _items(api: Api, entity_type: EntityType, params: Mapping[str, str]) -> Iterator[Raw]:
    """By pages of the length that the server likes best."""
    name = PATHS[entity_type]
    pages = Cursor(name, "next_page_token", "page_token", size=0, limit="max_results", bare=True)
    return api.items(f"{ROOT}/{name}", pages, {**params, **BROWSE, **UNREAD.get(entity_type, {})})


@contextmanager
def _place(entity_type: EntityType, *names: str) -> Generator[None]:
    """What a refusal is about, and what mends it."""
    what = f"{PATHS[entity_type]} {'.'.join(names)}".strip()
    try:
        yield
    except Denied as error:
        raise Denied(f"{what}: {error}", hint=GRANTS[entity_type].format(*names)) from None
    except Gone as error:
        if not names:
            raise ConfigError(
                f"This workspace has no Unity Catalog: {error}",
                hint="Check hostPort, and whether the workspace has a metastore; the tables of "
                "hive_metastore are not read.",
            ) from None
        raise Gone(f"{what}: {error}") from None
    except KeyError as error:
        raise Permanent(f"{what} are listed with one that has no {error}.") from None
