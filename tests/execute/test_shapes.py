"""Order and shape do not matter: whatever the seed, the chunks, the slots, the engine, one catalogue comes out."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rayingest.core.source import Batching
from rayingest.model import EntityType
from rayingest.testing.chaos import CONNECTOR

from .runs import Outcome, chaos, run

ODD = ("bad-1", "gone-1", "denied-1", "flaky-1", "busy-1", "raise-1", "cut-1", "silent-1")
CHUNKS = [Batching(1, 1), Batching(1, 7), Batching(5, 20), Batching(50, 500)]
SHAPES = list(itertools.product((0, 1, 2), CHUNKS, (1, 3, 8)))
RAY = [(4, CHUNKS[0], 8), (5, CHUNKS[1], 30), (6, CHUNKS[3], 60)]


def outcome(
    tmp_path: Path, seed: int, batching: Batching, slots: int, engine: str = "local"
) -> Outcome:
    stage = chaos(tmp_path, odd=ODD, scopes=5, entities=11, shuffle=seed > 0)
    connector = replace(CONNECTOR, batching={EntityType.TABLE: batching})
    return run(replace(stage, connector=connector), tmp_path, engine, slots, seed=seed)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """One after the other, singly, in the order of the listing."""
    found = outcome(tmp_path_factory.mktemp("reference"), 0, Batching(1, 1), 1)
    assert len(found.tables) == 5 * 11 + len(ODD)
    assert {status for status, _ in found.ends.values()} == {"ok", "failed", "skipped"}
    return found


def same(found: Outcome, reference: Outcome) -> None:
    assert found.ends == reference.ends
    assert found.entities == reference.entities
    assert found.report.types == reference.report.types
    assert found.report.entities == reference.report.entities


def named(shape: Any) -> str:
    seed, batching, slots = shape
    return f"seed {seed}, {batching.min}-{batching.max}, {slots} slots"


@pytest.mark.parametrize("shape", SHAPES, ids=named)
def test_any_shape_gives_the_same_here(tmp_path: Path, reference: Outcome, shape: Any) -> None:
    same(outcome(tmp_path, *shape), reference)


@pytest.mark.ray
@pytest.mark.parametrize("shape", RAY, ids=named)
def test_any_shape_gives_the_same_on_ray(
    tmp_path: Path, reference: Outcome, shared_ray: str, shape: Any
) -> None:
    same(outcome(tmp_path, *shape, engine=shared_ray), reference)
