"""Any run after any other, with any misfortune: what exists is never deleted, and in the end all is true."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import stamina
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import rayingest as ri
from rayingest.api import Run
from rayingest.api.plans import Plan
from rayingest.execute.knowing import Knowing
from rayingest.sinks.openmetadata.session import OpenMetadataSession
from rayingest.state import run_directory
from rayingest.state.known import KnownState
from rayingest.state.run_directory import RunDirectory
from rayingest.testing import Faults, StrictCatalogue

from ..running import TOKEN
from .toy import COLLECTIONS, Place, Toys, register, restore_children

SCHEMAS = ("a", "b", "c")
NAMES = tuple(f"t{number}" for number in range(12))
EVERYTHING = {"markDeletedSchemas": True, "markDeletedDatabases": True}


class KilledError(BaseException):
    """The driver is dead; nothing of ours catches this."""


@dataclass
class Kill:
    """Raises at the n-th call of something, before or after it is done, and from then on."""

    left: int
    after: bool

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def done(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0 or (self.left == 0 and not self.after):
                raise KilledError
            answer = call(*args, **kwargs)
            if self.left == 0:
                raise KilledError
            return answer

        return done


PLACES_TO_DIE = {
    "segment": (RunDirectory, "put_segment"),
    "commit": (KnownState, "commit"),
    "delete": (OpenMetadataSession, "delete"),
    "conclude": (Knowing, "conclude"),
    "close": (KnownState, "close"),
}


@contextmanager
def dying(where: str, at: int, *, after: bool) -> Iterator[None]:
    """Kill the driver at the n-th time it comes there."""
    owner, name = PLACES_TO_DIE[where]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, Kill(at, after).around(getattr(owner, name)))
        patch.setattr(run_directory, "FLUSH_RECORDS", 1)
        yield


@dataclass
class Step:
    """What changes at the source, then one run and what goes wrong in it."""

    edits: list[tuple[str, str, str]]
    wrong: tuple[Any, ...]


schemas, names = st.sampled_from(SCHEMAS), st.sampled_from(NAMES)
edits = st.one_of(
    st.tuples(st.just("create"), schemas, names),
    st.tuples(st.just("drop"), schemas, names),
    st.tuples(st.just("change"), schemas, names),
    st.tuples(st.just("procedure"), schemas, names),
    st.tuples(st.just("refer"), schemas, names),
    st.tuples(st.just("fill"), schemas, st.just("")),
    st.tuples(st.just("empty"), schemas, st.just("")),
    st.tuples(st.just("drop schema"), schemas, st.just("")),
)
misfortunes = st.one_of(
    st.just(("nothing",)),
    st.tuples(st.just("raises"), schemas),
    st.tuples(st.just("partial"), schemas),
    st.tuples(st.just("hides"), st.one_of(schemas, st.builds("{}.{}".format, schemas, names))),
    st.tuples(st.just("fails"), st.sets(names, min_size=1, max_size=3)),
    st.tuples(st.just("busy"), st.integers(1, 30)),
    st.tuples(st.just("torn"), st.integers(1, 6)),
    st.tuples(st.just("refuses"), names),
    st.tuples(st.just("no deletions"), st.just(None)),
    st.tuples(st.just("without"), st.sampled_from(["table", "schema"]), st.one_of(names, schemas)),
    st.tuples(st.just("stopped"), st.integers(0, 12)),
    st.tuples(
        st.just("killed"),
        st.sampled_from(sorted(PLACES_TO_DIE)),
        st.integers(1, 9),
        st.booleans(),
        st.booleans(),
    ),
    st.tuples(st.just("select"), st.builds("*.{}.{}".format, schemas, names)),
    st.tuples(st.just("refresh"), st.just(None)),
    st.tuples(st.just("only tables"), st.just(None)),
    st.tuples(st.just("goes on"), st.just(None)),
)
steps = st.lists(st.builds(Step, st.lists(edits, max_size=4), misfortunes), min_size=3, max_size=6)


# What a plan meets as the run after it does.
FORESEEABLE = frozenset(
    {"nothing", "raises", "partial", "hides", "without", "only tables", "select", "refresh"}
)


def as_planned(plan: Plan, run: Run) -> None:
    """The run has done what its plan said: deleted just that, and written what was to be written."""
    report = run.report
    assert plan.exit_code == report.exit_code
    assert plan.not_listed == report.not_listed
    deleted = {kind: book["deleted"] for kind, book in report.types.items() if book.get("deleted")}
    assert Counter(kind for kind, _ in plan.delete) == deleted
    assert [(each.rule, each.count) for each in plan.withheld] == [
        (each.rule, each.count) for each in report.withheld
    ]
    for kind, told in plan.types.items():
        assert told.discovered == report.types.get(kind, {}).get("discovered", 0)
        if report.exit_code == 0 and kind in report.entities:
            sure = told.create + told.rewrite + told.update_low
            written = report.entities[kind]["acknowledged"]
            assert sure <= written <= sure + told.known, (kind, told, written)


@dataclass
class History:
    """All runs of one example."""

    toys: Toys
    dead: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    doubtful: set[str] = field(default_factory=set)
    runs: int = 0

    def edit(self, edit: tuple[str, str, str]) -> None:
        place, (what, schema, name) = self.toys.place, edit
        here = place.tables.get(schema)
        match what:
            case "create":
                place.tables.setdefault(schema, {}).setdefault(name, 1)
            case "fill":
                place.tables[schema] = {**dict.fromkeys(NAMES, 1), **(here or {})}
            case "drop schema":
                place.tables.pop(schema, None)
                place.procedures.pop(schema, None)
            case "drop" if here:
                here.pop(name, None)
            case "change" if here and name in here:
                here[name] = 3 - here[name]  # there and back again
            case "empty" if here:
                here.clear()
            case "procedure" if here is not None:
                place.procedures.setdefault(schema, {})[name] = 1
            case "refer":
                place.refers[name] = NAMES[len(name) + len(schema)]

    def step(self, step: Step) -> None:
        for each in step.edits:
            self.edit(each)
        before = self.deleted()
        exists = self.toys.place.fqns()
        self.run(*step.wrong)
        self.toys.place.well()
        self.toys.catalogue.faults = Faults()
        for kind, gone in self.deleted().items():
            assert not (gone - before[kind]) & exists[kind], f"deleted, though there: {step}"

    def deleted(self) -> dict[str, set[str]]:
        return {kind: self.toys.deleted(kind) for kind in COLLECTIONS}

    def run(self, what: str, *how: Any) -> None:  # noqa: C901, PLR0912 - a list of cases

        place, catalogue = self.toys.place, self.toys.catalogue
        options: dict[str, Any] = dict(EVERYTHING)
        wishes: dict[str, Any] = {}
        self.runs += 1
        match what:
            case "raises" | "partial":
                getattr(place, what).add(how[0])
            case "hides" if self.toys.connector == "shy":
                place.hides.add(how[0])
            case "fails":
                place.fails |= how[0]
            case "busy":
                catalogue.faults = Faults(status_for_next=[(503, how[0])], seed=how[0])
            case "torn":
                catalogue.faults = Faults(torn_next=how[0], only="PUT")
            case "refuses":
                catalogue.faults = Faults(refuse=rf"\b{how[0]}$")
            case "no deletions":
                catalogue.faults = Faults(fail_rate={500: 1.0}, only="DELETE")
            case "without":
                pattern = {"excludes": [f"^{how[1]}$"]}
                options[f"{how[0]}FilterPattern"] = pattern
            case "only tables":
                options["includeStoredProcedures"] = False
            case "select":
                wishes["select"] = [how[0]]
            case "refresh":
                wishes["full_refresh"] = True
        if what == "stopped":
            self.stopped(options, how[0])
        elif what == "goes on" and self.dead:
            run_id, options = self.dead.pop()
            self.toys.run(
                self.toys.config(**options), run_id=run_id, take_over=True, unfinished=True
            )
        elif what == "killed":
            self.killed(options, *how)
        else:
            config = self.toys.config(**options)
            plan = self.plan(config, wishes) if what in FORESEEABLE else None
            run = self.toys.run(config, unfinished=True, **wishes)
            if run.report.resumable:
                self.doubt()
            if plan is not None:
                as_planned(plan, run)

    def plan(self, config: Path, wishes: dict[str, Any]) -> Plan:
        """What the next run will do; nothing is described, and nothing is written."""
        before = len(self.toys.catalogue.log)
        made = ri.load(config, flags={"engine": "local"}).plan(
            sample=0, allow_untested=True, **wishes
        )
        assert len(self.toys.catalogue.log) == before
        return made

    def stopped(self, options: dict[str, Any], after: int) -> None:
        """Too many failures end the run: after so many."""
        self.toys.place.fails |= set(NAMES[after:])
        run = self.toys.run(self.toys.config(**options), unfinished=True, max_failures="0")
        if run.report.resumable:
            self.doubt()

    def killed(
        self, options: dict[str, Any], where: str, at: int, after: bool, resumed: bool
    ) -> None:
        wishes = {"run_id": f"run-{self.runs}"}
        self.doubt()
        config = self.toys.config(**options)
        with dying(where, at, after=after), suppress(KilledError):
            self.toys.run(config, **wishes)
        if resumed:
            self.toys.run(config, take_over=True, unfinished=True, **wishes)
        else:
            self.dead.append((wishes["run_id"], options))

    def doubt(self) -> None:
        """What a run wrote and could not record any more, nobody knows of once it is dropped."""
        self.doubtful |= set().union(*self.toys.place.fqns().values())

    def check(self) -> None:
        """After two complete runs exactly what exists is alive, as it is."""
        for _ in range(2):
            run = self.toys.run(self.toys.config(**EVERYTHING), allow_deletions=True)
            assert run.report.state == "success", run.report
        assert self.toys.missing() == {}
        assert self.toys.different() == {}
        for kind, there in self.toys.place.fqns().items():
            assert self.toys.alive(kind) - there <= self.doubtful
        before = len(self.toys.catalogue.log)
        run = self.toys.run(self.toys.config(**EVERYTHING), allow_deletions=True)
        assert self.toys.writes(before) == []
        assert (run.report.withheld, run.report.rewritten) == ([], [])


def any_history(contracts: Path, connector: str, story: list[Step]) -> None:
    place = Place(
        {"a": dict.fromkeys(NAMES[:9], 1), "b": dict.fromkeys(NAMES[:3], 1)},
        {"a": {"p": 1}},
        {"t1": "t2", "t2": "t1"},
    )
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
        StrictCatalogue(token=TOKEN) as catalogue,
    ):
        register(patch)
        if connector == "restoring":
            restore_children(patch)
        patch.setenv("XDG_STATE_HOME", folder)
        stamina.set_testing(True, attempts=2)
        source = "shy" if connector == "shy" else "toy"
        history = History(Toys(place, catalogue, Path(folder), source))
        history.run("nothing")
        for step in story:
            history.step(step)
        history.check()


UNHURRIED = settings(
    phases=[Phase.generate],
    print_blob=False,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("connector", ["toy", "shy", "restoring"])
@settings(UNHURRIED, max_examples=10)
@given(story=steps)
def test_what_exists_is_never_deleted_and_in_the_end_all_is_true(
    contracts: Path, connector: str, story: list[Step]
) -> None:
    any_history(contracts, connector, story)


@pytest.mark.slow
@pytest.mark.parametrize("connector", ["toy", "shy", "restoring"])
@settings(UNHURRIED, max_examples=14)
@given(story=steps)
def test_many_more_histories(contracts: Path, connector: str, story: list[Step]) -> None:
    any_history(contracts, connector, story)
