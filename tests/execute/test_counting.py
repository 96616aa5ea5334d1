"""What a tool tells since ever becomes what a catalogue is told of a day, through runs that end as they like."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from rayingest.core.source import Batching, Described, EntityDescriptor, Listed, ScopeListed
from rayingest.execute.bounding import Bounds
from rayingest.execute.carrying import pack, unpack
from rayingest.execute.events import KnownOf, Written
from rayingest.execute.knowing import Knowing, Memory
from rayingest.execute.report import Report
from rayingest.execute.start import Options, drive
from rayingest.model import USAGE, Dashboard, EntityType, usage
from rayingest.sinks import memory
from rayingest.state.known import KnownState
from rayingest.state.run_directory import RunDirectory
from rayingest.testing.shapes import Shape, ShapeStage

DASHBOARD, NAMES = EntityType.DASHBOARD, ("a", "b", "c", "d", "e", "f")
MONDAY = date(2026, 11, 23)


class KilledError(BaseException):
    """The driver ends here."""


def killed(*_: object, **__: object) -> None:
    raise KilledError


class Tool:
    """Six dashboards that are looked at, and runs of all of them into one store."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, uuid4().hex
        self.totals = dict.fromkeys(NAMES, 100)
        self.described: list[str] = []
        self.then: Callable[[], None] = lambda: None

    def listing(self, kind: EntityType, scope: str | None) -> Iterator[Listed]:
        for each in NAMES:
            yield EntityDescriptor(DASHBOARD, f"bi.{each}", "bi")
        yield ScopeListed(DASHBOARD, "bi", len(NAMES))

    def describe(self, item: EntityDescriptor, _: object) -> Described:
        name = item.id.removeprefix("bi.")
        self.described.append(name)
        self.then()
        made = Dashboard(name=name, fqn=item.id, service="bi")
        return Described(item, (made,), (usage.total(DASHBOARD, item.id, self.totals[name]),))

    def looked(self, times: int) -> None:
        """Everything was looked at."""
        self.totals = {name: total + times for name, total in self.totals.items()}

    def run(self, day: int, name: str | None = None, *, stop_after: int = 0) -> Report:
        """On a day after Monday; a `name` makes runs that can go on."""
        directory = RunDirectory(str(self.folder), "bi", name or uuid4().hex)
        resume = bool(directory.store.names(""))
        directory.claim(take_over=True)
        # What is under way when a run stops comes to its end: one dashboard, where a run shall stop.
        batching = {DASHBOARD: Batching(max=1)} if stop_after else {}
        shape = Shape(self.listing, self.describe, types=(DASHBOARD,), batching=batching)
        sink = memory.Memory(name=self.name)
        state = KnownState.open(str(self.folder), "bi", sink.identity, "config")
        known = Memory(
            state=state,
            context="context",
            run_id=directory.run_id,
            day=MONDAY + timedelta(day),
        )
        options = Options(memory=known, resume=resume, bounds=Bounds(success_threshold=0.0))
        driver = drive(ShapeStage(shape, sink), options, directory)
        before = len(self.described)

        def then() -> None:
            if stop_after and len(self.described) - before == stop_after:
                driver.interrupt()

        self.then = then
        return driver.run()

    @property
    def told(self) -> dict[str, dict[str, int]]:
        """Dashboard -> day -> count."""
        found: dict[str, dict[str, int]] = {name: {} for name in NAMES}
        for each in memory.store(self.name).entities(USAGE).values():
            uses: dict[str, Any] = each["payload"]
            found[each["targetFqn"].removeprefix("bi.")][uses["date"]] = uses["count"]
        return found


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    made = Tool(tmp_path)
    made.run(0)
    assert made.told == {name: {} for name in NAMES}
    return made


def test_a_run_that_was_stopped_and_goes_on_the_next_day_counts_each_use_once(tool: Tool) -> None:
    tool.looked(5)
    tool.run(1, "night", stop_after=3)
    first = set(tool.described[len(NAMES) :])
    assert len(first) == 3
    tool.looked(2)
    assert tool.run(2, "night").exit_code == 0
    tool.looked(1)
    tool.run(3)
    second, third, last = ((MONDAY + timedelta(day)).isoformat() for day in (1, 2, 3))
    assert tool.told == {
        name: {second: 5, last: 3} if name in first else {third: 7, last: 1} for name in NAMES
    }


def test_what_was_under_way_when_the_driver_died_begins_anew(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was counted nobody knows, so that it is not counted again."""
    tool.looked(5)
    with monkeypatch.context() as patch:
        patch.setattr(Knowing, "ended", killed)
        with pytest.raises(KilledError):
            tool.run(1, "night")
    told = tool.told
    assert any(told.values())
    tool.looked(2)
    assert tool.run(2, "night").exit_code == 0
    assert tool.told == told
    tool.looked(1)
    tool.run(3)
    last = (MONDAY + timedelta(3)).isoformat()
    assert tool.told == {name: {**days, last: 1} for name, days in told.items()}


def test_it_travels_between_processes() -> None:
    known = KnownOf({}, {"a": [Written("usage", "a", "", "unchanged")]}, MONDAY, {"a": "x"})
    assert unpack(pack(known)) == known
