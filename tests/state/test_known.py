"""What is known from earlier runs comes back whole or not at all, and never as less than it was."""

import json
import tracemalloc
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rayingest.errors import StateError
from rayingest.model import EntityType
from rayingest.state.known import INDEX, KnownState
from rayingest.state.packed import Stored
from rayingest.state.run_directory import pack, unpack
from rayingest.state.shard import VERSION, Known, Missing, Shard, context, name_of
from rayingest.state.store import LocalStore

TABLE, SCHEMA = EntityType.TABLE, EntityType.DATABASE_SCHEMA
DASHBOARD, CHART = EntityType.DASHBOARD, EntityType.CHART
SCOPE = "shop.db.s"


class Counting(LocalStore):
    """A folder that notes what is done with it."""

    def __init__(self, root):
        super().__init__(root)
        self.got, self.given = [], []

    def get(self, name):
        self.got.append(name)
        return super().get(name)

    def put(self, name, data, *, exclusive=False):
        self.given.append(name)
        super().put(name, data, exclusive=exclusive)


def shard(scope=SCOPE, tables=("a", "b"), *, missing=(), run="run-1", about="c1", **more):
    present = {
        f"{scope}.{name}": (Stored("table", f"{scope}.{name}", f"hash of {name}"),)
        for name in tables
    }
    gone = tuple(Missing(f"{scope}.{name}", TABLE, f"{scope}.{name}", "run-0") for name in missing)
    return Shard(TABLE, scope, run, about, present, gone, **more)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def opened(folder):
    """A state as the next run finds it."""
    return lambda: KnownState(Counting(folder), {"sink": "memory"})


@pytest.fixture
def state(opened):
    return opened()


def damage(state, name, change):
    state.store.put(name, change(state.store.get(name)))


# --- there and back ---


def test_a_scope_comes_back_as_it_was_committed(state, opened):
    facts = (Stored("lineage", "lineage:table:x:y", "h"), Stored("table", "x"))
    told = shard(missing=["old"], proof="absence")
    told = replace(told, present={**told.present, "odd": facts, "nothing": ()})
    assert state.commit(told)
    assert state.load(TABLE, SCOPE) == told
    state.close()
    assert opened().load(TABLE, SCOPE) == told


def test_nothing_is_known_of_a_scope_that_never_was_committed(state):
    state.commit(shard())
    assert state.load(TABLE, "shop.db.other") is None
    assert state.load(SCHEMA, SCOPE) is None
    assert state.warnings == []


def test_a_look_leaves_nothing_behind(state, folder):
    assert state.load(TABLE, SCOPE) is None
    assert list(state.scopes()) == []
    state.close()
    assert not folder.exists()


def test_a_commit_replaces_what_was_known(state):
    state.commit(shard())
    state.commit(shard(tables=["c"]))
    assert list(state.load(TABLE, SCOPE).present) == [f"{SCOPE}.c"]


def test_what_is_known_already_is_not_written_again(state, opened):
    state.commit(shard(missing=["x"]))
    state.close()
    again = opened()
    old = again.load(TABLE, SCOPE)
    assert not again.commit(replace(old, run_id="run-2"), instead_of=old)
    again.close()
    assert again.store.given == []


@pytest.mark.parametrize(
    "news",
    [
        shard(missing=["x"], tables=["a"]),
        shard(missing=["x"], about="c2"),
        shard(),
        shard(missing=["x"], proof="absence"),
        shard(missing=["x"], proof="removal"),
        replace(shard(missing=["x"]), present={}),
    ],
)
def test_what_is_news_is_written(state, news):
    old = shard(missing=["x"])
    state.commit(old)
    assert state.commit(news, instead_of=old)
    assert state.load(TABLE, SCOPE) == news


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), unique=True))
def test_a_scope_may_be_called_anything(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("any")
    names = [*names, "../../x", "a/b", "", "x" * 5_000, "\n", "nul\0"]
    state = KnownState(LocalStore(root), {})
    for name in names:
        state.commit(shard(name))
    state.close()
    again = KnownState(LocalStore(root), {})
    assert set(again.scopes()) == {(TABLE, name) for name in names}
    assert all(again.load(TABLE, name) == shard(name) for name in names)
    assert {each.parent for each in root.rglob("*.jsonl")} == {root, root / "table"}


def test_any_store_will_do():
    pytest.importorskip("fsspec")
    for expected in (None, shard()):
        state = KnownState.open("memory://known", "shop", "sink", "config")
        assert state.load(TABLE, SCOPE) == expected
        state.commit(shard())
        state.close()


# --- whose state it is ---


def test_sink_service_and_config_have_a_state_of_their_own(tmp_path):
    whose = [("shop", "sink", "c"), ("shop", "sink", "d"), ("shop", "s", "c"), ("shop2", "s", "c")]
    states = [KnownState.open(str(tmp_path), *each) for each in whose]
    for number, each in enumerate(states):
        each.commit(shard(tables=[f"t{number}"]))
        each.close()
    for number, each in enumerate(whose):
        found = KnownState.open(str(tmp_path), *each).load(TABLE, SCOPE)
        assert list(found.present) == [f"{SCOPE}.t{number}"]
    assert len({each.store.url for each in states}) == 4


def test_services_that_share_a_folder_do_not_share_a_state(tmp_path):
    assert (
        KnownState.open(str(tmp_path), "a/b", "s", "c").store.url
        != KnownState.open(str(tmp_path), "a_b", "s", "c").store.url
    )


def test_the_folder_says_in_clear_whose_state_it_is(tmp_path):
    state = KnownState.open(str(tmp_path), "shop", "http://om", "nightly", mapping="m/1")
    state.begin()
    (found,) = tmp_path.glob("shop/state/*/key.json")
    assert json.loads(found.read_text()) == {
        "sink": "http://om",
        "service": "shop",
        "config": "nightly",
        "mapping": "m/1",
    }


def test_a_context_is_the_mapping_and_the_options():
    one = context("m/1", {"a": 1, "b": 2})
    assert one == context("m/1", {"b": 2, "a": 1})
    assert len({one, context("m/2", {"a": 1, "b": 2}), context("m/1", {"a": 1})}) == 3


# --- what cannot be read is unknown, not empty ---


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("cut", range(2, 400, 23))
def test_a_torn_shard_is_unknown_and_is_told(state, opened, cut, indexed):
    state.commit(shard())
    if indexed:
        state.close()
    name = name_of(TABLE, SCOPE)
    damage(state, name, lambda data: data[:-cut])
    again = opened()
    assert again.load(TABLE, SCOPE) is None
    (warning,) = again.warnings
    assert name in warning
    assert again.unreadable == {name}
    assert again.load(TABLE, SCOPE) is None
    assert len(again.warnings) == 1


@settings(max_examples=80, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_shard_is_unknown(tmp_path_factory, at, flip):
    state = KnownState(LocalStore(tmp_path_factory.mktemp("flip")), {})
    state.commit(shard())

    def flipped(data):
        changed = bytearray(data)
        changed[int(at * len(data))] ^= flip
        return bytes(changed)

    damage(state, name_of(TABLE, SCOPE), flipped)
    found = state.load(TABLE, SCOPE)
    assert found is None or found == shard()
    assert (found is None) == bool(state.warnings)


def other_version(data):
    head, *records = unpack(data)
    assert VERSION.encode() in head
    return pack([msgspec.Raw(each) for each in (head.replace(b"shard/1", b"shard/2"), *records)])


def other_records(data):
    head, *_ = unpack(data)
    return pack([msgspec.Raw(head), ["somethingNew", 1]])


def other_segment(data):
    return data.replace(b"segment/1", b"segment/9")


def nothing(data):
    return b""


@pytest.mark.parametrize("change", [other_version, other_records, other_segment, nothing])
def test_a_shard_that_speaks_another_language_is_unknown(state, change):
    state.commit(shard())
    damage(state, name_of(TABLE, SCOPE), change)
    assert state.load(TABLE, SCOPE) is None
    assert len(state.warnings) == 1


def test_a_shard_in_the_place_of_another_is_unknown(state, opened):
    state.commit(shard())
    state.store.put(name_of(TABLE, "shop.db.t"), state.store.get(name_of(TABLE, SCOPE)))
    again = opened()
    assert again.load(TABLE, "shop.db.t") is None
    assert "about table in 'shop.db.s'" in again.warnings[0]


def test_what_could_not_be_read_stays_known_as_unreadable(state, opened):
    state.commit(shard())
    state.commit(shard("shop.db.t"))
    name = name_of(TABLE, SCOPE)
    damage(state, name, lambda data: data[:50])
    again = opened()
    assert list(again.scopes()) == [(TABLE, "shop.db.t")]
    again.begin()
    again.close()
    later = opened()
    assert later.load(TABLE, SCOPE) is None
    assert later.unreadable == {name}
    later.commit(shard())
    later.close()
    assert later.unreadable == set()
    assert opened().load(TABLE, SCOPE) == shard()


def test_a_store_that_does_not_answer_is_not_a_scope_that_is_unknown(state, opened, monkeypatch):
    state.commit(shard())
    state.close()

    def refuse(name):
        raise StateError("no route to host")

    again = opened()
    again.load(TABLE, "shop.db.other")
    monkeypatch.setattr(again.store, "get", refuse)
    with pytest.raises(StateError, match="no route"):
        again.load(TABLE, SCOPE)
    late = opened()
    monkeypatch.setattr(late.store, "get", refuse)
    with pytest.raises(StateError, match="no route"):
        late.load(TABLE, "shop.db.other")


# --- the index ---


def test_scopes_are_told_without_reading_them(state, opened):
    scopes = [f"shop.db.s{number}" for number in range(20)]
    for each in scopes:
        state.commit(shard(each, missing=["x"]))
    state.close()
    again = opened()
    assert list(again.scopes()) == [(TABLE, each) for each in sorted(scopes)]
    assert again.heads()[TABLE, "shop.db.s7"] == shard("shop.db.s7", missing=["x"]).head()
    assert again.load(TABLE, "shop.db.new") is None
    assert again.store.got == [INDEX]


def test_without_an_index_the_shards_tell(state, opened):
    state.commit(shard())
    state.commit(shard("shop.db.t"))
    assert list(opened().scopes()) == [(TABLE, SCOPE), (TABLE, "shop.db.t")]


@pytest.mark.parametrize("cut", range(2, 300, 37))
def test_a_torn_index_is_no_index(state, opened, cut):
    state.commit(shard())
    state.close()
    damage(state, INDEX, lambda data: data[:-cut])
    assert list(opened().scopes()) == [(TABLE, SCOPE)]


def test_an_index_never_outlives_a_change(state, opened):
    state.commit(shard())
    state.close()
    crashed = opened()
    crashed.commit(shard("shop.db.t"))
    crashed.forget(TABLE, SCOPE)
    assert list(opened().scopes()) == [(TABLE, "shop.db.t")]


def test_a_shard_that_vanished_behind_the_index_is_not_known(state, opened):
    state.commit(shard())
    state.close()
    state.store.delete(name_of(TABLE, SCOPE))
    again = opened()
    assert again.load(TABLE, SCOPE) is None
    assert list(again.scopes()) == []


def test_an_index_tells_of_what_this_run_did_not_touch(state, opened):
    state.commit(shard())
    state.close()
    again = opened()
    again.commit(shard("shop.db.t"))
    again.close()
    assert list(opened().scopes()) == [(TABLE, SCOPE), (TABLE, "shop.db.t")]


# --- unchanged-skip ---


def test_hashes_are_those_of_the_descriptors_asked_for():
    assert shard().hashes([f"{SCOPE}.a", "unknown"], "c1") == {"table": {f"{SCOPE}.a": "hash of a"}}


def test_no_hash_counts_under_another_context():
    assert shard().hashes([f"{SCOPE}.a"], "c2") == {}


def test_entities_of_two_types_may_share_an_fqn():
    both = (Stored("dashboard", "bi.5", "d"), Stored("chart", "bi.5", "c"), Stored("chart", "bi.6"))
    told = Shard(DASHBOARD, "bi", "run-1", "c1", {"5": both})
    assert told.hashes(["5"], "c1") == {"dashboard": {"bi.5": "d"}, "chart": {"bi.5": "c"}}
    assert (told.count(DASHBOARD), told.count(CHART)) == (1, 2)


def test_what_is_missing_is_counted_and_not_vouched_for():
    told = shard(missing=["x"])
    assert told.hashes([f"{SCOPE}.x"], "c1") == {}
    assert told.count(TABLE) == 3
    assert told.fqns(TABLE, missing=False) == {f"{SCOPE}.a", f"{SCOPE}.b"}


def test_an_entity_that_several_descriptors_write_counts_once_and_facts_never():
    shared = Stored("chart", "bi.shared", "h")
    fact = Stored("lineage", "lineage:x", "h")
    told = Shard(DASHBOARD, "bi", "r", "c1", {"1": (shared, fact), "2": (shared,)})
    assert told.counts() == {"chart": 1}


def test_after_a_crash_no_hash_counts_until_its_scope_is_committed(state, opened):
    """What the crashed run wrote and did not commit: the sink has it, the hash does not say so."""
    for scope in (SCOPE, "shop.db.t"):
        state.commit(shard(scope))
    state.close()
    opened().begin()
    again = opened()
    assert again.load(TABLE, SCOPE).hashes([f"{SCOPE}.a"], "c1") == {}
    again.commit(shard())
    assert again.load(TABLE, SCOPE) == shard()
    again.close()
    later = opened()
    assert later.load(TABLE, SCOPE) == shard()
    assert later.load(TABLE, "shop.db.t").context == ""


def test_a_scope_that_somebody_may_change_is_doubted_until_it_is_committed(state, opened):
    """A deletion of its container may have come through without the sink's saying so."""
    state.commit(shard())
    state.doubt(TABLE, SCOPE)
    assert state.load(TABLE, SCOPE) == shard(about="")
    state.close()
    assert opened().load(TABLE, SCOPE) == shard(about="")
    state.commit(shard())
    assert state.load(TABLE, SCOPE) == shard()


# --- the rest ---


def test_a_scope_is_forgotten_alone(state, opened):
    state.commit(shard())
    state.commit(shard("shop.db.t"))
    state.forget(TABLE, SCOPE)
    state.forget(TABLE, "shop.db.never")
    state.close()
    for each in (state, opened()):
        assert list(each.scopes()) == [(TABLE, "shop.db.t")]
        assert each.load(TABLE, SCOPE) is None


def test_after_a_reset_nothing_is_left(state, opened, folder):
    state.commit(shard())
    state.close()
    again = opened()
    again.reset()
    again.close()
    assert [each for each in folder.rglob("*") if each.is_file()] == []
    assert list(again.scopes()) == []
    again.commit(shard())
    assert opened().load(TABLE, SCOPE) is not None


def test_an_export_is_json_and_says_everything(state):
    state.commit(shard(missing=["x"]))
    records = [json.loads(json.dumps(each)) for each in state.export()]
    assert [each["record"] for each in records] == ["key", "known", "known", "missing"]
    assert records[1] == {
        "record": "known",
        "scopeType": "table",
        "scope": SCOPE,
        "run": "run-1",
        "id": f"{SCOPE}.a",
        "written": [{"type": "table", "fqn": f"{SCOPE}.a", "hash": "hash of a"}],
    }
    assert (records[3]["fqn"], records[3]["missingSince"]) == (f"{SCOPE}.x", "run-0")


def test_holders_are_those_that_exist_as_far_as_any_scope_knows(state):
    state.commit(shard(missing=["x"]))
    state.commit(shard("shop.db.t"))
    wanted = {("table", f"{SCOPE}.{name}") for name in "axy"} | {("chart", f"{SCOPE}.b")}
    assert state.holders(wanted) == {("table", f"{SCOPE}.a")}
    before = len(state.store.got)
    assert state.holders(()) == set()
    assert len(state.store.got) == before


def test_members_are_told_of_the_types_asked_for(state):
    schemas = Shard(SCHEMA, "shop.db", "r", "c", {SCOPE: (Stored("databaseSchema", SCOPE),)})
    state.commit(schemas)
    state.commit(shard())
    assert state.members([SCHEMA]) == {(SCHEMA, "shop.db"): (SCOPE,)}


def test_a_failed_commit_leaves_what_was_known(state, monkeypatch):
    state.commit(shard())
    monkeypatch.setattr(Counting, "put", lambda *_, **__: (_ for _ in ()).throw(StateError("full")))
    with suppress(StateError):
        state.commit(shard(tables=["c"]))
    assert state.load(TABLE, SCOPE) == shard()


def test_a_loaded_entity_costs_little_beside_its_strings(state):
    """The figure is of memory as Python counts it; the worst size is just after a dict has grown."""
    number = 22_000
    state.commit(shard(tables=[f"table_{at}" for at in range(number)]))
    state.load(TABLE, "shop.db.other")
    tracemalloc.start()
    try:
        loaded = state.load(TABLE, SCOPE)
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    texts = {id(text): len(text) for each in loaded.records() for text in strings(each)}
    assert used - sum(49 + length for length in texts.values()) <= 150 * number


def strings(record: Known):
    yield record.id
    for each in record.written:
        yield from (each.type, each.fqn, each.hash)
