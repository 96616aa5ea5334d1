"""Statements of Unity Catalog's own tables: all of it at once, or in parts where that is too much."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from rayingest.connectors.database._unity.api import kept, members
from rayingest.connectors.database._unity.statements import (
    NotGranted,
    Row,
    Statements,
    TooMuch,
)
from rayingest.core.source import Settings
from rayingest.kit.rest.api import Api
from rayingest.model import EntityType

SYSTEM = "system"
LEVELS = (EntityType.DATABASE, EntityType.DATABASE_SCHEMA)  # what one statement may be about
_log = logging.getLogger(__name__)


class Query(Protocol):
    """A statement about a catalog and a schema, as far as they are given, to the catalog `place`."""

    def __call__(self, *within: str, place: str = SYSTEM) -> str:
        """Its text."""
        ...


def asked(api: Api, statements: Statements, query: Query, settings: Settings) -> list[Row]:
    """All rows of a statement; names of catalogs are stored in small letters.

    Who has no right to the catalog `system` asks the information schema that each catalog has.
    """
    parts = partial(parts_of, api, settings)
    one = catalog_of(settings)
    try:
        return in_parts(statements, query, one, parts)
    except NotGranted as error:
        _log.info("Each catalog is asked for itself: %s", error)
    names = one or parts(())
    found = (in_parts(statements, partial(query, place=name), (name,), parts) for name in names)
    return [row for rows in found for row in rows]


def catalog_of(settings: Settings) -> tuple[str, ...]:
    """The one catalog that the config names, as it is stored; none when it names none."""
    catalog = settings.connection.catalog
    return (catalog.lower(),) if catalog else ()


def parts_of(api: Api, settings: Settings, within: tuple[str, ...]) -> list[str]:
    """What is below: catalogs, or schemas and what belongs to none."""
    if not within:
        return kept(api, settings)
    return ["", *(each["name"] for each in members(api, EntityType.DATABASE_SCHEMA, *within))]


def in_parts(
    statements: Statements,
    query: Query,
    within: tuple[str, ...],
    parts: Callable[[tuple[str, ...]], list[str]],
) -> list[Row]:
    """All rows; where they are too many at once, those of each catalog, then of each schema."""
    try:
        return list(statements.rows(query(*within)))
    except TooMuch:
        if len(within) == len(LEVELS):
            raise
    found = (in_parts(statements, query, (*within, name), parts) for name in parts(within))
    return [row for rows in found for row in rows]


def equal(columns: Sequence[str], within: Sequence[str]) -> list[str]:
    """Conditions that columns are these names, as far as they are given."""
    return [f"{column} = {literal(name)}" for column, name in zip(columns, within, strict=False)]


def name(text: str) -> str:
    """A name of Databricks' SQL, quoted unless it is our own."""
    quoted = text.replace("`", "``")
    return text if text == SYSTEM else f"`{quoted}`"


def literal(text: str) -> str:
    """A string of Databricks' SQL, where a backslash escapes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
