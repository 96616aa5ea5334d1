"""Our Grafana says nothing that the vendor's models and its specification do not have.

Dashboards are held against grafana-foundation-sdk. Of the other answers the keys and their types are
facts of the OpenAPI description in Grafana's repository (`public/api-merged.json`): Hit,
DashboardMeta, DataSourceListItemDTO.
"""

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


TEXT = {str: "url uid uri title type slug folderUid folderTitle folderUrl sortMetaName"}
HIT = TEXT | {int: "id sortMeta folderId", bool: "isStarred", list: "tags"}
META = {
    str: "created createdBy expires folderTitle folderUid folderUrl provisionedExternalId slug type "
    "updated updatedBy url",
    int: "folderId version",
    bool: "canAdmin canEdit canSave canStar hasAcl isFolder isHome isSnapshot isStarred provisioned",
}
SOURCE = {
    str: "access database name password type typeLogoUrl typeName uid url user",
    int: "id orgId",
    bool: "basicAuth isDefault readOnly",
    dict: "jsonData",
}


def answered(path: str, **query: str) -> Any:
    status, body = WORLD.answer(path, query)
    assert status == 200
    return body


@pytest.mark.parametrize(
    ("specified", "answers"),
    [
        (HIT, answered("/api/search", type="dash-db")),
        (HIT, answered("/api/search", type="dash-folder")),
        (SOURCE, answered("/api/datasources")),
        (META, [WORLD.dashboard(each)["meta"] for each in WORLD.ids()]),
    ],
)
def test_the_other_answers_are_as_specified(specified: Any, answers: list[Any]) -> None:
    types = {key: kind for kind, keys in specified.items() for key in keys.split()}
    assert answers
    for each in answers:
        assert {key: type(value) for key, value in each.items()} == {
            key: types.get(key) for key in each
        }
