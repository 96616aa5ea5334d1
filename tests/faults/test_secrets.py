"""Canaries: no secret stands in anything that a run on Ray leaves or shows, while it runs and after."""

import http.client
import json
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from rayingest.execute.snapshot import Snapshot
from rayingest.launch.monitoring import dashboard
from rayingest.testing import Faults

from ..running import PASSWORD, TOKEN, World

METRIC = "ray_rayingest_in_flight"
PAGES = (
    "api/v0/actors?detail=1",
    "api/v0/tasks?detail=1",
    "api/v0/workers?detail=1",
    "api/v0/objects?detail=1",
    "api/v0/jobs?detail=1",
    "api/v0/runtime_envs?detail=1",
    "api/v0/cluster_events?detail=1",
    "api/v0/tasks/summarize",
    "api/v0/actors/summarize",
    "api/jobs/",
    "logical/actors",
    "nodes?view=details",
    "events",
)


def fetch(url: str) -> str:
    """What a page answers, whatever its status."""
    headers = {"Authorization": f"Bearer {os.environ['RAY_AUTH_TOKEN']}"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback, Ray's own
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return str(answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""  # Ray announces a page before it is there


def ray_files() -> dict[str, str]:
    """All that Ray's session has written."""
    root = (Path(os.environ["RAYINGEST_RAY_TEMP_DIR"]) / "session_latest").resolve()
    return {
        str(each.relative_to(root)): each.read_bytes().decode(errors="replace")
        for each in root.rglob("*")
        if each.is_file()
    }


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(300)
def test_no_secret_is_in_rays_files_pages_or_metrics(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAYINGEST_RAY_DASHBOARD", "1")
    catalogue = world.catalogue
    assert catalogue is not None
    catalogue.faults = Faults(delay_ms=2500)
    seen: dict[str, str] = {}

    def look(snapshot: Snapshot) -> None:
        link = snapshot.about.get("dashboard")
        if not link or not snapshot.types or METRIC in "".join(seen.values()):
            return  # our metrics come a few seconds later than the pages
        found = {page: fetch(f"{link}/{page}") for page in PAGES}
        if "RayWorker" not in found[PAGES[0]]:
            return  # the state API is a little behind
        seen.update(found)
        folder = Path(os.environ["RAYINGEST_RAY_TEMP_DIR"])
        told = json.loads((folder / "prom_metrics_service_discovery.json").read_text())
        for target in told[0]["targets"]:
            seen[f"metrics of {target}"] = fetch(f"http://{target}/metrics")
        if METRIC in "".join(seen.values()):
            catalogue.faults = Faults()  # what is left may be quick

    sink = {"type": "metadata-rest", "config": {"bulk_sink_batch_size": 2}}
    run = world.run(world.config(sink=sink), engine="ray", observe=look)
    assert run.report.exit_code == 0
    assert "rayingest" in seen["logical/actors"], "the pages were looked at while it ran"
    assert any(METRIC in text for text in seen.values()), "our metrics are there"
    shown = set(re.findall(r"ray_rayingest_\w+", json.dumps(dashboard())))
    assert {each for each in shown if each not in "".join(seen.values())} == set()
    files = ray_files()
    assert any("RayWorker" in text for text in files.values())
    for secret in (PASSWORD, TOKEN):
        assert [name for name, text in (seen | files).items() if secret in text] == []


def test_nothing_that_storage_holds_is_unpickled() -> None:
    """Pickles travel between our own processes, and only there."""
    root = Path(__file__).parents[2] / "rayingest"
    users = {
        str(each.relative_to(root))
        for each in root.rglob("*.py")
        if any(
            line.startswith(("import pickle", "from pickle"))
            for line in each.read_text().splitlines()
        )
    }
    assert users == {"execute/carrying.py", "testing/connector_suite.py"}, "the suite's are its own"
    importers = {
        str(each.relative_to(root))
        for each in root.rglob("*.py")
        if "execute.carrying import" in each.read_text()
    }
    assert importers == {
        *("execute/ray_actor.py", "execute/ray_driver.py", "execute/ray_listings.py"),
        "execute/apart.py",  # over a socket of the parent's own, which nobody else has
    }


def test_the_canaries_are_what_lets_us_in(world: World) -> None:
    text: Any = world.config().read_text()
    assert PASSWORD in text
    assert TOKEN in text
