"""The engine of this process, by itself."""

import threading
from pathlib import Path

import pytest

from rayingest.execute.engine import BLOCK_ITEMS
from rayingest.execute.events import Event, Found, Listing, ListingEnded
from rayingest.execute.local import UNHEARD, LocalEngine
from rayingest.model import EntityType
from rayingest.testing.chaos import ChaosStage
from rayingest.workflows.stage import WorkerTask

from .runs import chaos

BLOCKS = 5 * UNHEARD


def held_up(engine: LocalEngine) -> threading.Thread:
    """The thread of a listing that has yielded all that it may, and more if it could."""
    engine.start_listing(Listing(EntityType.DATABASE_SCHEMA, "chaos.chaos"))
    (thread,) = (each for each in threading.enumerate() if each.name.startswith("listing-"))
    while thread.is_alive() and engine._events.qsize() < UNHEARD:
        thread.join(0.01)
    thread.join(0.3)
    return thread


@pytest.fixture
def stage(tmp_path: Path) -> ChaosStage:
    """One schema of many tables."""
    return chaos(tmp_path, scopes=1, entities=BLOCKS * BLOCK_ITEMS)


@pytest.fixture
def engine(stage: ChaosStage) -> LocalEngine:
    return LocalEngine(WorkerTask(stage, None))


def test_a_listing_does_not_run_ahead_of_the_driver(engine: LocalEngine) -> None:
    thread = held_up(engine)
    assert thread.is_alive()
    events: list[Event] = []
    most = 0
    while not any(isinstance(each, ListingEnded) for each in events):
        found = engine.wait(10.0)
        most = max(most, sum(isinstance(each, Found) for each in found))
        events += found
    items = sum(len(each.items) for each in events if isinstance(each, Found))
    assert items >= BLOCKS * BLOCK_ITEMS
    assert most == UNHEARD + 1  # with the one that says that it has begun


def test_one_that_waits_ends_with_the_engine(engine: LocalEngine) -> None:
    thread = held_up(engine)
    assert thread.is_alive()
    engine.close()
    thread.join(10)
    assert not thread.is_alive()
