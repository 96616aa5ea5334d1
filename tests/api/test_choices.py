"""How a config, a caller's wishes and the surroundings make the options of a run."""

from pathlib import Path

import pytest

from rayingest.api.choices import options_of
from rayingest.api.wishes import Wishes
from rayingest.config import load

CONFIG = """\
source:
  type: sqlite
  serviceName: shop
  serviceConnection: {config: {type: SQLite, databaseMode: /shop.db}}
  sourceConfig: {config: {type: DatabaseMetadata}}
sink: {type: memory}
"""


@pytest.mark.parametrize(("told", "grows"), [("own", True), ("", False), (None, False)])
def test_only_a_cluster_of_the_runs_own_is_asked_to_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, *, grows: bool
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG)
    monkeypatch.setenv("RAYINGEST_SUBMITTED", "as a job of a cluster that others use, too")
    if told is not None:
        monkeypatch.setenv("RAYINGEST_CLUSTER", told)
    assert options_of(load(path), Wishes()).grows is grows
