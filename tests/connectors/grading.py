"""What the tests show of a connector, and what is stored of it."""

import datetime as dt
import json
import subprocess
from pathlib import Path

from rayingest.api.grades import gradings
from rayingest.core.source import Capability, Grade
from rayingest.testing.connector_suite import Case, shows

from .beds import Bed

GRADES = Path(__file__).parents[2] / "rayingest" / "connectors" / "grades.json"


def check_grade(name: str, bed: Bed, story: Case, *, write: bool) -> None:
    shown = {
        each.value: (Grade.COMPILED if each in bed.compiled else bed.grade).value
        for each in Capability
        if each in story.connector.capabilities and (each in bed.compiled or shows(story, each))
    }
    if write:
        _store(name, bed, shown)
        return
    kept = gradings()[name]
    assert (kept.grade, kept.capabilities) == (bed.grade.value, shown)


def _store(name: str, bed: Bed, shown: dict[str, str]) -> None:
    kept = json.loads(GRADES.read_text()) if GRADES.exists() else {}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    kept[name] = {
        "grade": bed.grade.value,
        "server": bed.server,
        "commit": commit.stdout.strip(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "capabilities": shown,
    }
    GRADES.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n")
