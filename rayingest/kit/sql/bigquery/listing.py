"""What there is: the REST API's listings, which cost nothing; tables by day count as one."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from rayingest.core.source import Settings
from rayingest.kit.sql.bigquery.changes import modified
from rayingest.kit.sql.bigquery.connect import projects
from rayingest.kit.sql.bigquery.session import BigQuerySession
from rayingest.kit.sql.facts import Found, Wants
from rayingest.model import EntityType

# https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/list
MODEL = "MODEL"  # of machine learning; what else Google may think of is a table
VIEWS = {"VIEW", "MATERIALIZED_VIEW"}
# https://cloud.google.com/bigquery/docs/partitioned-tables#dt_partition_shard
_SHARD = re.compile(r"(.+_)(\d{8})", re.DOTALL)
SHARDS = "SHARDS"
# What lies elsewhere, or is made out of others, may change without a word.
COVERED = {"TABLE", "VIEW"}


def databases(session: BigQuerySession, settings: Settings) -> Iterator[Found]:
    """Name the projects of the config."""
    for name in projects(settings):
        yield Found(EntityType.DATABASE, "", name)


def listing(session: BigQuerySession, wants: Wants) -> Iterator[Found]:
    """Stream the datasets of one project."""
    for each in session.datasets():
        name = each["datasetReference"]["datasetId"]
        yield Found(EntityType.DATABASE_SCHEMA, name, name)


def members(session: BigQuerySession, wants: Wants, schema: str) -> Iterator[Found]:
    """List the tables and the routines of one dataset."""
    dataset = f"{session.database}.{schema}"
    if wants.tables or wants.views:
        # Before the names: what changes in between is then described once more, and not missed.
        tokens = modified(session, wants, schema)
        items = session.pages(session.client.list_tables, dataset)
        yield from folded(schema, (each for each in items if _wanted(each["type"], wants)), tokens)
    if wants.procedures:
        for each in session.pages(session.client.list_routines, dataset):
            name = each["routineReference"]["routineId"]
            yield Found(EntityType.STORED_PROCEDURE, schema, name, each.get("routineType") or "")


def folded(
    schema: str, items: Iterable[dict[str, Any]], tokens: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Found]:
    """Tables, and for two or more by day (`events_20260101`) one: `events_*`, as a query names them.

    The newest of them is what will be described, with how many there are.
    """
    days: dict[str, list[str]] = {}
    for each in items:
        name = each["tableReference"]["tableId"]
        prefix = shard(name) if each["type"] == "TABLE" else None
        if prefix is None:
            token = tokens.get(name) if each["type"] in COVERED else None
            yield Found(EntityType.TABLE, schema, name, _kind(each), token=token)
        else:
            days.setdefault(prefix, []).append(name)
    for prefix, names in days.items():
        if len(names) == 1:
            yield Found(EntityType.TABLE, schema, names[0], "TABLE", token=tokens.get(names[0]))
        else:
            kind, newest = f"{SHARDS}/{len(names)}", max(names)
            told = f"{tokens[newest]} {kind} {newest}" if newest in tokens else None
            yield Found(EntityType.TABLE, schema, f"{prefix}*", kind, newest, token=told)


def shard(name: str) -> str | None:
    """What the name of a table by day begins with; None when it does not end in a day."""
    if found := _SHARD.fullmatch(name):
        with suppress(ValueError):
            dt.datetime.strptime(found[2], "%Y%m%d").replace(tzinfo=dt.UTC)
            return found[1]
    return None


def _wanted(kind: str, wants: Wants) -> bool:
    return kind != MODEL and (wants.views if kind in VIEWS else wants.tables)


def _kind(item: dict[str, Any]) -> str:
    """Google's word for what it is, and the length of time that its partitions have."""
    unit = (item.get("timePartitioning") or {}).get("type")
    return f"{item['type']}/{unit}" if unit else str(item["type"])
