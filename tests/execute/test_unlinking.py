"""Edges leave the sink and the state together, and only where nobody else tells them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rayingest.core.sink import Row
from rayingest.errors import Refused, SinkDown
from rayingest.execute.deferred import DeferredRows
from rayingest.execute.events import Deferred
from rayingest.execute.unlinking import unlink
from rayingest.kit.sql.lineage import edge
from rayingest.model import EntityType
from rayingest.sinks.memory import MemorySession, Store
from rayingest.sinks.spelling import local_fact
from rayingest.state.edges import Left
from rayingest.state.known import KnownState
from rayingest.state.ledger import Ledger
from rayingest.state.packed import EDGE, LEFT, Stored
from rayingest.state.shard import Shard

TABLE = EntityType.TABLE
HERE, RECORDED = (TABLE, "svc.db.s"), (TABLE, "recorded lineage")
VIEW = "svc.db.s.v"
ROWS = [local_fact(edge(VIEW, f"svc.db.s.{each}", (), "ViewLineage")) for each in ("a", "b")]
NAMES = [each.fqn for each in ROWS]


class Sunk(MemorySession):
    """A sink that goes down when something is to be deleted."""

    def delete(self, *_: Any, **__: Any) -> Any:
        raise SinkDown("it is away")


@pytest.fixture
def state(tmp_path: Path) -> KnownState:
    """Two edges that a view has left, of which one was recorded by the database as well."""
    kept = KnownState.open(str(tmp_path), "svc", "sink", "config")
    left = tuple(Stored(EDGE, each, LEFT) for each in NAMES)
    kept.commit(Shard(*HERE, "r", "c", {VIEW: left}))
    kept.commit(Shard(*RECORDED, "r", "c", {f"{VIEW}.x": (Stored(EDGE, NAMES[1], "h"),)}))
    return kept


def sunk(kind: type[MemorySession] = MemorySession) -> MemorySession:
    store = Store("edges")
    store.put(EDGE, ROWS)
    return kind(store, dry_run=False)


def knowing(state: KnownState) -> Any:
    left = [Left(HERE, VIEW, each) for each in NAMES]
    return SimpleNamespace(left=left, state=state, memory=SimpleNamespace(planned=None, run_id="r"))


def edges_of(session: MemorySession) -> list[str]:
    return list(session._store.rows[EDGE])


def test_an_edge_that_the_database_has_recorded_too_stays(state: KnownState) -> None:
    session = sunk()
    done = unlink(knowing(state), session)
    assert [each.fqn for each in done.gone] == NAMES[:1]
    assert edges_of(session) == NAMES[1:]
    for scope, there in ((HERE, {VIEW: ()}), (RECORDED, {f"{VIEW}.x": NAMES[1:]})):
        shard = cast("Shard", state.load(*scope))
        assert {name: [each.fqn for each in told] for name, told in shard.present.items()} == {
            name: list(each) for name, each in there.items()
        }


def test_what_a_sink_could_not_be_asked_stays_known(state: KnownState) -> None:
    session = sunk(Sunk)
    done = unlink(knowing(state), session)
    assert [(cause.kind, name) for cause, name in done.refused] == [("SinkDown", NAMES[0])]
    shard = cast("Shard", state.load(*HERE))
    assert [each.fqn for each in shard.present[VIEW]] == NAMES[:1]


def test_who_loses_a_reference_on_the_way_has_not_told_all() -> None:
    class Session(MemorySession):
        def without(self, row: Row, missing: Any) -> Row:
            raise Refused("nothing is left")

    rows = [Row(EDGE, each, b"{}", "h", needs=(f"table:svc.{each}",)) for each in NAMES]
    deferred = DeferredRows(None, Ledger(), "svc")
    deferred.add(TABLE, Deferred("lost", rows[:1], whole=True))
    deferred.add(TABLE, Deferred("kept", [Row(EDGE, "c", b"{}", "h")], whole=True))
    (chunk,) = deferred.next_blocks(Session(Store("none"), dry_run=False))
    assert {each.id: each.whole for each in chunk.block} == {"lost": False, "kept": True}
