"""Our Grafana's dashboards say nothing that the vendor's models do not have, and what they say is kept."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

models = pytest.importorskip("grafana_foundation_sdk.models.dashboard")

from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: E402 - where it is installed

from rayingest.testing.grafana import World  # noqa: E402

WORLD = World()


def strangers(told: Any, kept: Any, path: str = "") -> list[str]:
    """What of an answer the vendor's model does not keep, at any depth; empty values it leaves out."""
    if isinstance(told, Mapping) and isinstance(kept, Mapping):
        found = [f"{path}.{key}" for key, each in told.items() if key not in kept and each]
        both = told.keys() & kept.keys()
        return found + [
            name for key in both for name in strangers(told[key], kept[key], f"{path}.{key}")
        ]
    if isinstance(told, list) and isinstance(kept, list) and len(told) == len(kept):
        pairs = enumerate(zip(told, kept, strict=True))
        return [name for at, pair in pairs for name in strangers(*pair, f"{path}[{at}]")]
    return [] if told == kept else [path]


def judged(told: Any) -> list[str]:
    kept = models.Dashboard.from_json(told)
    return strangers(told, json.loads(json.dumps(kept, cls=JSONEncoder)))


@pytest.mark.parametrize("uid", WORLD.ids()[:4])
def test_every_key_is_the_vendors(uid: str) -> None:
    assert judged(WORLD.dashboard(uid)["dashboard"]) == []


def test_the_judge_sees_a_stranger() -> None:
    told = WORLD.dashboard("d1")["dashboard"]
    told["panels"][0]["titel"] = "x"
    told["folder"] = "y"
    assert sorted(judged(told)) == [".folder", ".panels[0].titel"]
