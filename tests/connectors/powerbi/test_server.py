"""Our Power BI says nothing that Microsoft's description of its API does not have.

Keys and their types are facts of `sdk/swaggers/swagger.json` in
https://github.com/microsoft/PowerBI-CSharp (MIT): ScanRequest, AdminGroup, and what is called WorkspaceInfo…
there. Of tables' and columns' keys `isHidden`, `source` and `expression` stand in the example of
https://learn.microsoft.com/en-us/rest/api/power-bi/admin/workspace-info-get-scan-result.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from rayingest.testing.powerbi import INFO, World, guid


@dataclass(frozen=True)
class Spec:
    """Keys by the type of what they have; `inside` says what their objects are, `needs` what must be there."""

    text: str = ""
    flags: str = ""
    inside: Mapping[str, "Spec"] = field(default_factory=dict)
    lists: Mapping[str, "Spec"] = field(default_factory=dict)
    needs: str = "id"


ENDORSEMENT = Spec("endorsement certifiedBy", needs="")
LABEL = Spec("labelId", needs="labelId")
DEPENDENT_DATASET = Spec("targetDatasetId groupId", needs="")
DEPENDENT_DATAFLOW = Spec("targetDataflowId groupId", needs="")
PERSON = "displayName emailAddress identifier graphId principalType"
USER = "identifier principalType"
RATED = {"endorsementDetails": ENDORSEMENT, "sensitivityLabel": LABEL}
COLUMN = Spec("name dataType formatString", "isHidden", needs="name dataType")
MEASURE = Spec("name expression description", "isHidden", needs="name")
TABLE = Spec(
    "name description",
    "isHidden",
    lists={
        "columns": COLUMN,
        "measures": MEASURE,
        "source": Spec("expression", needs="expression"),
    },
    needs="name columns",
)
REPORT = Spec(
    "id name datasetId appId description reportType createdBy modifiedBy createdDateTime"
    " modifiedDateTime createdById modifiedById datasetWorkspaceId",
    inside=RATED,
    lists={"users": Spec(f"{PERSON} reportUserAccessRight", needs=USER)},
)
TILE = Spec("id title reportId datasetId datasetWorkspaceId")
DASHBOARD = Spec(
    "id displayName appId dataClassification",
    "isReadOnly",
    inside={"sensitivityLabel": LABEL},
    lists={"tiles": TILE, "users": Spec(f"{PERSON} dashboardUserAccessRight", needs=USER)},
)
DATASET = Spec(
    "id name configuredBy description targetStorageMode schemaRetrievalError",
    "schemaMayNotBeUpToDate",
    inside=RATED,
    lists={
        "tables": TABLE,
        "expressions": Spec("name description expression", needs="name expression"),
        "upstreamDatasets": DEPENDENT_DATASET,
        "upstreamDataflows": DEPENDENT_DATAFLOW,
    },
)
DATAFLOW = Spec(
    "objectId name description modelUrl configuredBy modifiedBy modifiedDateTime",
    inside=RATED,
    lists={"upstreamDataflows": DEPENDENT_DATAFLOW},
    needs="objectId",
)
WORKSPACE = Spec(
    "id name description type state dataRetrievalState capacityId defaultDatasetStorageFormat",
    "isOnDedicatedCapacity",
    lists={"reports": REPORT, "dashboards": DASHBOARD, "datasets": DATASET, "dataflows": DATAFLOW},
)
GROUP = Spec(
    "id name description type state capacityId dataflowStorageId pipelineId",
    "isReadOnly isOnDedicatedCapacity",
)
SCAN = Spec(
    "id createdDateTime status",
    inside={"error": Spec("code message target", needs="code")},
    needs="id createdDateTime status",
)


def strangers(told: Any, spec: Spec, path: str = "") -> Iterator[str]:
    """What of an answer is not specified, is of another type, or is missing."""
    if not isinstance(told, dict):
        yield f"{path} is no object"
        return
    yield from (f"{path}.{each} is missing" for each in spec.needs.split() if each not in told)
    for key, value in told.items():
        here = f"{path}.{key}"
        if key in spec.inside:
            yield from strangers(value, spec.inside[key], here)
        elif key in spec.lists and isinstance(value, list):
            for at, each in enumerate(value):
                yield from strangers(each, spec.lists[key], f"{here}[{at}]")
        elif not (key in spec.text.split() and isinstance(value, str)) and not (
            key in spec.flags.split() and isinstance(value, bool)
        ):
            yield here


WHOLE = dict.fromkeys(
    ("lineage", "datasetSchema", "datasetExpressions", "getArtifactUsers"), "True"
)


@pytest.mark.parametrize("at", range(1, 7))
def test_every_key_is_microsofts(at: int) -> None:
    assert [*strangers(World().workspace(at, WHOLE), WORKSPACE)] == []


def test_a_workspace_has_one_of_everything() -> None:
    """A specification proves nothing about what is not there."""
    told = World().workspace(2, WHOLE)
    assert all(told[each] for each in WORKSPACE.lists)
    assert told["datasets"][0]["upstreamDataflows"]
    assert told["datasets"][0]["tables"][0]["source"]


def test_the_specification_sees_strangers() -> None:
    told = World().workspace(2, WHOLE)
    told["reports"][0]["webUrl"] = "x"
    told["datasets"][0]["tables"][0]["columns"][1]["dataType"] = 7
    del told["dashboards"][0]["tiles"][0]["id"]
    assert sorted(strangers(told, WORKSPACE)) == [
        ".dashboards[0].tiles[0].id is missing",
        ".datasets[0].tables[0].columns[1].dataType",
        ".reports[0].webUrl",
    ]


def test_the_other_answers_are_as_specified() -> None:
    world = World(scans_fail=1)
    asked = {"workspaces": world.workspace_ids()}
    status, begun = world.answer_to(INFO, asked, {})
    assert status == 202
    answers = [world.answer(f"/admin/workspaces/scanStatus/{begun['id']}", {})[1] for _ in "ab"]
    told = [begun, *answers]
    assert [each["status"] for each in told] == ["NotStarted", "Running", "Failed"]
    assert [name for each in told for name in strangers(each, SCAN)] == []
    _, groups = world.answer("/admin/groups", {"$top": "5000"})
    assert [name for each in groups["value"] for name in strangers(each, GROUP)] == []
    assert len(groups["value"]) == world.workspaces


def test_what_is_documented_as_refused_is_refused() -> None:
    """1 to 100 workspaces; 16 scans at once; `$top` is needed; what came out is there for a while."""
    world = World()
    assert world.answer_to(INFO, {"workspaces": []}, {})[0] == 400
    assert world.answer_to(INFO, {"workspaces": [guid("x", at) for at in range(101)]}, {})[0] == 400
    begun = [world.answer_to(INFO, {"workspaces": ["x"]}, {}) for _ in range(17)]
    assert [status for status, _ in begun] == [202] * 16 + [429]
    assert world.answer("/admin/groups", {})[0] == 400
    scan = begun[0][1]["id"]
    assert world.answer(f"/admin/workspaces/scanResult/{scan}", {})[0] == 404
