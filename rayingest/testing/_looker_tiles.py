"""Tiles of every other kind on our Looker's dashboards, their filters, and the merged result of one."""

from collections.abc import Sequence
from typing import Any

Json = Any

MERGED = "mErGeD01"
AT_ONCE = 2  # explores that it merges, the last ones


def others(identity: str, explores: Sequence[str], *, told: bool) -> list[Json]:
    """A Look, a merged result that tells its explores or not, SQL of its own, a button."""
    vis = {"vis_config": {"type": "looker_area"}}
    look = {"model": "shop", "view": explores[-3 % len(explores)], **vis}
    merged = {
        "merge_result_id": MERGED,
        "filterables": [
            {"model": "shop", "view": each, "name": each.title(), "listen": []}
            for each in (explores[-AT_ONCE:] if told else ())
        ],
        **vis,
    }
    tiles: list[Json] = [
        {"look_id": "9", "look": {"id": "9", "title": "A Look", "query": look}},
        {"title": "Merged", "merge_result_id": MERGED, "query": None, "result_maker": merged},
        {"title": "SQL", "result_maker": {"sql_query_id": "5", "filterables": [], **vis}},
        {"type": "button", "rich_content_json": "{}"},
    ]
    return [{"id": f"{identity}9{at}", "type": "vis", **each} for at, each in enumerate(tiles)]


def filters(identity: str, explores: Sequence[str]) -> list[Json]:
    """One suggests values of the first explore, one has none to suggest of the second, one asks nobody."""
    of_field = {"type": "field_filter", "model": "shop"}
    made: list[Json] = [
        {**of_field, "explore": explores[0], "field": {"suggestable": True}},
        {**of_field, "explore": explores[1], "field": {"suggestable": False}},
        {"type": "date_filter", "model": None, "explore": None, "field": None},
    ]
    return [
        {"id": str(at), "dashboard_id": identity, "name": f"F{at}", "title": f"F{at}", **each}
        for at, each in enumerate(made)
    ]


def merge_query(explores: Sequence[str]) -> Json:
    """The merged result: its queries, of which the first comes twice."""
    ids = [f"q{at}" for at in range(len(explores[-AT_ONCE:]))]
    sources = [{"name": each, "query_id": each, "merge_fields": []} for each in (*ids, ids[0])]
    return {"id": MERGED, "source_queries": sources}


def query(identity: str, explores: Sequence[str]) -> Json:
    """One query of the merged result."""
    asked = explores[-AT_ONCE:][int(identity.removeprefix("q"))]
    return {"id": identity, "model": "shop", "view": asked}
