"""What has vanished from the source is deleted from the sink, and nothing else ever is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rayingest as ri
from rayingest.api import Run
from rayingest.execute.knowing import Knowing
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.testing import Faults, StrictCatalogue

from ..running import ROLE, World
from .toy import Place, Toys, register, restore_children

ALL = {"markDeletedSchemas": True, "markDeletedDatabases": True}


@pytest.fixture
def toys(catalogue: StrictCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toys:
    """Nine tables and a procedure in `a`, three tables in `b`; all of it ingested."""
    register(monkeypatch)
    tables = {"a": dict.fromkeys((f"t{n}" for n in range(9)), 1), "b": {"x": 1, "y": 1, "z": 1}}
    toys = Toys(Place(tables, {"a": {"p": 1, "q": 1}}), catalogue, tmp_path)
    assert toys.run().report.exit_code == 0
    assert toys.differs() == {}
    return toys


def reasons(run: Run) -> dict[str, int]:
    """How many deletions were withheld, by the rule that did it."""
    found: dict[str, int] = {}
    for each in run.report.withheld:
        found[each.rule] = found.get(each.rule, 0) + each.count
    return found


def drop(toys: Toys, *names: str, schema: str = "a") -> None:
    for each in names:
        del toys.place.tables[schema][each]


# --- what is deleted ---


def test_what_vanished_is_deleted_and_comes_alive_again(toys: Toys) -> None:
    drop(toys, "t0", "t1")
    del toys.place.procedures["a"]["p"]
    run = toys.run()
    assert toys.deleted() == {"svc.db.a.t0", "svc.db.a.t1"}
    assert toys.deleted("storedProcedure") == {"svc.db.a.p"}
    assert run.report.types["table"]["deleted"] == 2
    assert toys.differs() == {}
    toys.place.tables["a"]["t0"] = 1
    toys.place.procedures["a"]["p"] = 1
    assert toys.run().report.exit_code == 0
    assert toys.deleted() == {"svc.db.a.t1"}
    assert toys.differs() == {}


def test_a_dropped_schema_goes_with_all_below_it_when_that_is_wanted(toys: Toys) -> None:
    gone = toys.place.tables.pop("b")
    run = toys.run(toys.config(**ALL))
    assert toys.deleted("databaseSchema") == {"svc.db.b"}
    assert len(toys.deleted()) == 3
    assert reasons(run) == {}
    toys.place.tables["b"] = gone
    toys.run(toys.config(**ALL))
    assert toys.differs() == {}
    assert toys.deleted() == set()


def test_a_dropped_schema_stays_whole_without_its_option(toys: Toys) -> None:
    del toys.place.tables["b"]
    for _ in range(3):
        run = toys.run()
        assert reasons(run) == {"option": 1}
        assert "markDeletedSchemas is off" in run.report.withheld[0].reason
    assert toys.deleted() == toys.deleted("databaseSchema") == set()


def test_a_database_goes_only_with_its_option(
    world_of: Callable[..., World], create: Callable[..., str]
) -> None:
    world = world_of("del_one", "create schema s; create table s.t (i int)")
    create("del_two", "create schema s; create table s.t (i int)")
    both = {"ingestAllDatabases": True}
    filters = {"databaseFilterPattern": {"includes": ["^del_"]}}
    assert world.run(world.config(connection=both, options=filters)).report.exit_code == 0
    with world.server.connect() as connection:
        connection.execute("drop database del_two")
    run = world.run(world.config(connection=both, options=filters))
    assert reasons(run) == {"option": 1}
    run = world.run(world.config(connection=both, options=filters | ALL))
    assert world.catalogue is not None
    assert set(world.catalogue.entities("databases")) == {"svc.del_one"}
    assert set(world.catalogue.entities("tables")) == {"svc.del_one.s.t"}


def test_tables_views_and_procedures_of_a_real_database(world_of: Callable[..., World]) -> None:
    world = world_of(
        "del_real",
        "create schema s; create table s.t (i int); create table s.u (i int);"
        "create view s.v as select i from s.u;"
        "create procedure s.p() language sql as 'select 1';"
        "create procedure s.q() language sql as 'select 1'",
    )
    config = world.config(options={"includeStoredProcedures": True})
    assert world.run(config).report.exit_code == 0
    with world.server.connect(world.database) as connection:
        connection.execute("drop table s.t; drop view s.v; drop procedure s.p")
    run = world.run(config)
    assert run.report.exit_code == 0
    assert world.catalogue is not None
    assert set(world.catalogue.entities("tables", deleted=True)) == {
        "svc.del_real.s.t",
        "svc.del_real.s.v",
    }
    assert len(world.catalogue.entities("storedProcedures", deleted=True)) == 1
    with world.server.connect(world.database) as connection:
        connection.execute("create view s.v as select i from s.u")
    world.run(config)
    assert set(world.catalogue.entities("tables")) == {"svc.del_real.s.u", "svc.del_real.s.v"}


# --- what is not ---


def test_a_listing_that_fails_deletes_nothing(toys: Toys) -> None:
    del toys.place.tables["b"]
    toys.place.raises.add("a")
    assert toys.run(toys.config(**ALL)).report.exit_code != 0
    assert toys.deleted() == toys.deleted("databaseSchema") == set()
    toys.place.well()
    toys.run(toys.config(**ALL))
    assert toys.differs() == {}


def test_a_part_of_a_listing_deletes_nothing(toys: Toys) -> None:
    toys.place.partial.add("a")
    toys.run()
    assert toys.deleted() == set()
    toys.place.well()
    before = len(toys.catalogue.log)
    assert toys.run().report.exit_code == 0
    assert toys.differs() == {}
    assert toys.writes(before) == []


def test_a_member_that_fails_keeps_its_scope(toys: Toys) -> None:
    drop(toys, "t0")
    drop(toys, "x", schema="b")
    toys.place.fails.add("t1")
    toys.run()
    assert toys.deleted() == {"svc.db.b.x"}
    toys.place.well()
    toys.run()
    assert toys.differs() == {}


def test_a_schema_without_permission_is_not_deleted(world_of: Callable[..., World]) -> None:
    world = world_of(
        "del_denied",
        *(
            f"create schema {s}; create table {s}.t (i int); grant usage on schema {s} to {ROLE}"
            for s in "ab"
        ),
    )
    config = world.config(options=ALL)
    assert world.run(config).report.exit_code == 0
    with world.server.connect(world.database) as connection:
        connection.execute(f"revoke usage on schema b from {ROLE}")
    for _ in range(3):
        world.run(config)
    assert world.catalogue is not None
    assert world.catalogue.entities("tables", deleted=True) == {}
    assert world.catalogue.entities("databaseSchemas", deleted=True) == {}


@pytest.mark.parametrize(
    ("names", "rule"), [(range(9), "emptied"), (range(7), "many")], ids=["all of it", "too many"]
)
def test_much_at_once_waits_for_a_second_look(toys: Toys, names: range, rule: str) -> None:
    drop(toys, *(f"t{n}" for n in names))
    run = toys.run()
    assert reasons(run) == {rule: len(names)}
    assert toys.deleted() == set()
    assert all(each.reason for each in run.report.withheld)
    assert reasons(toys.run()) == {}
    assert len(toys.deleted()) == len(names)
    assert toys.differs() == {}


def test_a_listing_that_is_empty_once_deletes_nothing(toys: Toys) -> None:
    names = dict(toys.place.tables["a"])
    toys.place.hides |= {f"a.{each}" for each in names}
    toys.run()
    toys.place.well()
    toys.run()
    assert toys.differs() == {}
    toys.place.hides |= {f"a.{each}" for each in names}
    assert reasons(toys.run()) == {"emptied": 9}
    assert toys.deleted() == set()


FILTERS: list[dict[str, Any]] = [
    {"tableFilterPattern": {"excludes": ["t[0-4]"]}},
    {"tableFilterPattern": {"includes": ["t1"]}},
    {"schemaFilterPattern": {"excludes": ["a"]}},
    {"databaseFilterPattern": {"excludes": ["db"]}},
    {"includeStoredProcedures": False},
]


@pytest.mark.parametrize("options", FILTERS, ids=str)
def test_what_a_filter_leaves_out_stays(toys: Toys, options: dict[str, Any]) -> None:
    drop(toys, "t0")
    for _ in range(3):
        toys.run(toys.config(**ALL, **options))
    assert toys.deleted() <= {"svc.db.a.t0"}
    assert toys.deleted("storedProcedure") == toys.deleted("databaseSchema") == set()
    toys.run(toys.config(**ALL))
    assert toys.differs() == {}


def test_views_that_are_no_longer_wanted_stay(world_of: Callable[..., World]) -> None:
    world = world_of(
        "del_views", "create schema s; create table s.t (i int); create view s.v as select 1"
    )
    world.run()
    for _ in range(2):
        world.run(world.config(options={"includeViews": False}))
    assert world.catalogue is not None
    assert world.catalogue.entities("tables", deleted=True) == {}


@pytest.mark.parametrize(
    "wishes",
    [{"select": ["*.b.*"]}, {"exclude": ["*.t5"]}, {"dry_run": True}, {"preview": 3}],
    ids=lambda each: next(iter(each)),
)
def test_a_run_of_a_part_deletes_nothing(toys: Toys, wishes: dict[str, Any]) -> None:
    drop(toys, "t0")
    drop(toys, "x", schema="b")
    toys.run(toys.config(**ALL), **wishes)
    assert toys.deleted() == set()
    toys.run(toys.config(**ALL))
    assert toys.deleted() == {"svc.db.a.t0", "svc.db.b.x"}


def test_processing_single_entities_deletes_nothing(toys: Toys) -> None:
    drop(toys, "t0")
    job = ri.load(toys.config(**ALL))
    job.process(job.find(["db.a.t1"]), allow_untested=True)
    assert toys.deleted() == set()


def test_a_retry_deletes_nothing(toys: Toys) -> None:
    toys.place.fails.add("t1")
    first = toys.run(toys.config(**ALL))
    toys.place.well()
    drop(toys, "t0")
    toys.run(toys.config(**ALL), again=first.directory)
    assert toys.deleted() == set()


def test_a_retry_takes_what_failed_and_what_could_not_be_listed(toys: Toys) -> None:
    toys.place.fails.add("t1")
    toys.place.partial.add("b")
    first = toys.run(toys.config(**ALL))
    toys.place.well()
    toys.place.tables["a"]["new"] = 1
    again = toys.run(toys.config(**ALL), again=first.directory)
    tables = {each.id for each in again.entities() if each.type == "table"}
    assert tables == {"svc.db.a.t1", *(f"svc.db.b.{each}" for each in toys.place.tables["b"])}


def test_a_stopped_run_deletes_nothing(toys: Toys) -> None:
    drop(toys, "t0")
    run = toys.run(toys.config(**ALL), timeout=0.0, unfinished=True)
    assert run.report.resumable
    assert toys.deleted() == set()


def test_two_configs_share_a_service(toys: Toys) -> None:
    """Each knows its own half, and nothing of the other's."""
    halves = [
        toys.config(f"{name}.yaml", **ALL, schemaFilterPattern={"includes": [f"^{name}$"]})
        for name in "ab"
    ]
    for _ in range(2):
        for each in halves:
            toys.run(each)
    assert toys.deleted() == set()
    drop(toys, "t0")
    toys.run(halves[1])
    assert toys.deleted() == set()
    toys.run(halves[0])
    assert toys.deleted() == {"svc.db.a.t0"}


def test_two_configs_share_a_schema(toys: Toys) -> None:
    halves = [
        toys.config(f"{name}.yaml", **ALL, tableFilterPattern={"includes": [pattern]})
        for name, pattern in (("low", "t[0-3]"), ("high", "t[4-8]"))
    ]
    for _ in range(2):
        for each in halves:
            toys.run(each)
    drop(toys, "t0")
    for each in halves:
        toys.run(each)
    assert toys.deleted() == {"svc.db.a.t0"}


def test_a_source_that_hides_needs_a_word(toys: Toys) -> None:
    toys.connector = "shy"
    toys.place.hides.add("a.t0")
    drop(toys, "t1")
    for _ in range(3):
        assert reasons(toys.run()) == {"hidden": 2}
    assert toys.deleted() == set()
    toys.place.well()
    toys.run(allow_deletions=True)
    assert toys.differs() == {}


# --- the sink's misfortunes ---


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_sink_that_does_not_delete_is_asked_again_in_the_next_run(
    toys: Toys, status: int
) -> None:
    drop(toys, "t0", "t1", "t2", "t3")
    toys.catalogue.faults = Faults(fail_rate={status: 1.0}, only="DELETE")
    run = toys.run()
    assert toys.deleted() == set()
    assert (run.report.state, run.report.exit_code) == ("partialSuccess", 3)
    assert any(set(each.samples) & {"svc.db.a.t0"} for each in run.report.errors)
    toys.catalogue.faults = Faults()
    toys.run()
    assert toys.differs() == {}
    assert len(toys.deleted()) == 4


def test_a_torn_answer_to_a_deletion_is_no_harm(toys: Toys) -> None:
    drop(toys, "t0", "t1")
    toys.catalogue.faults = Faults(torn_rate=0.5, only="DELETE")
    toys.run()
    toys.catalogue.faults = Faults()
    run = toys.run()
    assert (run.report.exit_code, reasons(run)) == (0, {})
    assert toys.differs() == {}


# --- the driver's ---


class KilledError(BaseException):
    """The driver is dead; nothing of ours catches this."""


BEFORE = [
    pytest.param(Knowing, "close", False, id="before the state is kept"),
    pytest.param(Knowing, "decide", False, id="before the decision"),
    pytest.param(OpenMetadataSession, "delete", False, id="before the deletion"),
    pytest.param(OpenMetadataSession, "delete", True, id="after the deletion"),
    pytest.param(Knowing, "conclude", False, id="before the record"),
    pytest.param(Knowing, "conclude", True, id="after the record"),
]


def killed(toys: Toys, config: Path, owner: type, name: str, *, after: bool = False) -> None:
    """A run called `night`, whose driver dies where it comes to this method."""
    original = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if after:
            original(*args, **kwargs)
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, dying)
        with pytest.raises(KilledError):
            toys.run(config, run_id="night")


@pytest.mark.parametrize("how", ["resumed", "another run"])
@pytest.mark.parametrize(("owner", "name", "after"), BEFORE)
def test_a_driver_that_dies_around_a_deletion(
    toys: Toys, owner: type, name: str, after: bool, how: str
) -> None:
    config = toys.config(**ALL)
    drop(toys, "t0", "t1")
    there = toys.place.tables.pop("b")
    killed(toys, config, owner, name, after=after)
    assert not toys.missing()
    if how == "resumed":
        assert toys.run(config, run_id="night", take_over=True).report.exit_code == 0
    toys.run(config)
    assert toys.differs() == {}
    toys.place.tables["b"] = there
    toys.place.tables["a"]["t0"] = 1
    toys.run(config)
    assert toys.differs() == {}


@pytest.mark.parametrize(("owner", "name", "after"), BEFORE)
def test_what_returns_after_a_death_is_alive(
    toys: Toys, owner: type, name: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the sink cannot be asked how much of it is left."""
    monkeypatch.setattr(
        "rayingest.sinks.openmetadata.catalogue.OpenMetadataCatalogue.count", lambda *_: None
    )
    config = toys.config(**ALL)
    there = toys.place.tables.pop("b")
    killed(toys, config, owner, name, after=after)
    toys.place.tables["b"] = there
    toys.run(config)
    assert toys.differs() == {}


def test_a_run_that_went_on_after_another_deletes_nothing_of_its(toys: Toys) -> None:
    """What was listed before the other run is old: what came since is not gone."""
    config = toys.config(**ALL)
    killed(toys, config, Knowing, "close")
    toys.place.tables["a"]["new"] = 1
    toys.run(config)
    toys.run(config, run_id="night", take_over=True)
    assert toys.deleted() == set()
    toys.run(config)
    assert toys.differs() == {}


def test_an_old_listing_proves_no_absence(toys: Toys) -> None:
    """It came back between the two attempts; what is gone for good goes in the next run."""
    config = toys.config(**ALL)
    drop(toys, "t0", "t1")
    killed(toys, config, Knowing, "close")
    toys.place.tables["a"]["t0"] = 1
    toys.run(config, run_id="night", take_over=True)
    assert toys.deleted() == set()
    toys.run(config)
    assert toys.deleted() == {"svc.db.a.t1"}


def test_a_changed_config_that_is_accepted_deletes_nothing(toys: Toys) -> None:
    killed(toys, toys.config(**ALL), Knowing, "close")
    drop(toys, "t0")
    changed = toys.config(**ALL, includeTags=True)
    run = toys.run(changed, run_id="night", take_over=True, accept_config_change=True)
    assert toys.deleted() == set()
    assert run.report.attempt == 2


# --- a server that brings children back with their container ---


@pytest.mark.parametrize("left", [["x"], [], ["x", "new"]], ids=["some", "nothing", "new"])
def test_what_comes_back_with_its_schema_alone_is_deleted_again(
    toys: Toys, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    restore_children(monkeypatch)
    config = toys.config(**ALL)
    toys.place.procedures["b"] = {"q": 1}
    toys.run(config)
    del toys.place.tables["b"], toys.place.procedures["b"]
    toys.run(config)
    assert toys.deleted("databaseSchema") == {"svc.db.b"}
    toys.place.tables["b"] = dict.fromkeys(left, 2)
    toys.run(config)
    assert toys.differs() == {}
    before = len(toys.catalogue.log)
    assert toys.run(config).report.rewritten == []
    assert toys.writes(before) == []
    assert toys.differs() == {}


def test_a_schema_may_come_and_go(toys: Toys) -> None:
    config = toys.config(**ALL)
    there = toys.place.tables["b"]
    for _ in range(3):
        del toys.place.tables["b"]
        toys.run(config)
        assert toys.differs() == {}
        toys.place.tables["b"] = there
        toys.run(config)
        assert toys.differs() == {}
