"""A small Looker, entity for entity as it is sent; `--write-golden` stores it anew: read the diff."""

import json
from pathlib import Path

import pytest

from rayingest.core import registry
from rayingest.sinks import spelling
from rayingest.testing.conformance import settings_for, tell
from rayingest.testing.looker import CLIENT_ID, CLIENT_SECRET, World, looker, write_lookml

pytest.importorskip("looker_sdk")
GOLDEN = Path(__file__).parent / "golden.jsonl"


def test_entities_and_facts_are_those_of_the_golden_file(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    write_lookml(tmp_path)
    with looker(World(dashboards=3, lookml_dashboards=1, explores=2)) as url:
        login = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "hostPort": url}
        login["gitCredentials"] = str(tmp_path)
        connector = registry.load("looker")
        told = tell(connector, settings_for(connector, login))
    rows = [*map(spelling.local_row, told.entities), *map(spelling.local_fact, told.facts)]
    found = [
        json.dumps({"type": row.type, **json.loads(row.body)}).replace(url, "URL")
        for row in sorted(rows, key=lambda row: (row.type, row.fqn))
    ]
    lines = [json.loads(line) for line in found]
    for line in lines:
        line.pop("sourceHash", None)  # it is over the URL, too
    if request.config.getoption("--write-golden"):
        GOLDEN.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return
    assert lines == [json.loads(line) for line in GOLDEN.read_text().splitlines()]
