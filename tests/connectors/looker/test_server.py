"""Our Looker says nothing that the vendor's models do not have."""

import json
from collections.abc import Mapping
from typing import Any, ForwardRef, get_args

import attr
import pytest

models = pytest.importorskip("looker_sdk.sdk.api40.models")

from looker_sdk.rtl import serialize  # noqa: E402 - only where it is installed

from rayingest.testing import _looker_tiles as tiles  # noqa: E402
from rayingest.testing.looker import FOLDERS, USERS, VIEWS, World  # noqa: E402

WORLD = World()
ANSWERS: list[tuple[str, type, Any]] = [
    ("user-defined", models.Dashboard, WORLD.dashboard("7")),
    ("LookML", models.Dashboard, WORLD.dashboard("shop::overview_1")),
    ("all kinds of tiles", models.Dashboard, World(rich=7).dashboard("7")),
    (
        "a merged result that is not told",
        models.Dashboard,
        World(rich=7, untold=True).dashboard("7"),
    ),
    ("merged result", models.MergeQuery, tiles.merge_query(VIEWS)),
    ("query", models.Query, tiles.query("q0", VIEWS)),
    ("model", models.LookmlModel, WORLD.models()[0]),
    ("explore", models.LookmlModelExplore, WORLD.explore("shop", "orders")),
    *(("folder", models.FolderBase, each) for each in FOLDERS),
    *(("user", models.User, each) for each in USERS),
]


def strangers(kind: Any, told: Any, path: str = "") -> list[str]:
    """Keys of an answer that the vendor's model does not have, at any depth."""
    if isinstance(told, list):
        return [name for each in told for name in strangers(kind, each, f"{path}[]")]
    if not isinstance(told, Mapping) or kind is None or not attr.has(kind):
        return []
    known = {each.name.rstrip("_"): each for each in attr.fields(kind)}
    found = [f"{path}.{key}" for key in told if key not in known]
    for key in told.keys() & known.keys():
        found += strangers(_inside(known[key].type), told[key], f"{path}.{key}")
    return found


def _inside(annotation: Any) -> Any:
    """The model in `Optional[Sequence["DashboardElement"]]`, if there is one."""
    if isinstance(annotation, str | ForwardRef):
        name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        name = name.rpartition("[")[2].rstrip("]").strip("'\"")
        return getattr(models, name, None)
    if isinstance(annotation, type) and attr.has(annotation):
        return annotation
    return next((found for each in get_args(annotation) if (found := _inside(each))), None)


@pytest.mark.parametrize(("_name", "kind", "told"), ANSWERS)
def test_every_key_is_the_vendors(_name: str, kind: type, told: Any) -> None:
    assert strangers(kind, told) == []
    assert isinstance(serialize.deserialize40(data=json.dumps(told), structure=kind), kind)


def test_the_judge_sees_a_stranger() -> None:
    told = WORLD.dashboard("1")
    told["dashboard_elements"][0]["query"]["modle"] = "x"
    assert strangers(models.Dashboard, told) == [".dashboard_elements[].query.modle"]
