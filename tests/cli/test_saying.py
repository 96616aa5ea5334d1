"""What is said: the live display, log lines, the end of a run, errors nobody foresaw."""

import io
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from rayingest import api
from rayingest.cli import advice, loading, summary
from rayingest.cli.display import Display
from rayingest.cli.pace import Pace, phase_of
from rayingest.cli.progress import LogLines
from rayingest.cli.values import allowed, clock, duration, per_second, plural, size, spell
from rayingest.execute.report import ErrorGroup, Report, Seconds
from rayingest.execute.snapshot import Snapshot

from .conftest import SECRET, Shop

LONG = "shop.default.main." + "x" * 300


def book(discovered: int, ok: int = 0, failed: int = 0) -> dict[str, int]:
    ends = {"unchanged": 0, "skipped": 0, "quarantined": 0, "deleted": 0}
    return {"discovered": discovered, "ok": ok, "failed": failed, **ends}


def snapshot(elapsed: float, **changes: object) -> Snapshot:
    given: dict[str, object] = {
        "elapsed": elapsed,
        "types": {},
        "in_flight": 0,
        "parallelism": 4,
        "slowest": [],
        "listing": False,
        "sink_down": None,
        "about": {},
    }
    return Snapshot(**(given | changes))  # type: ignore[arg-type]


def drawn(width: int, *snapshots: Snapshot) -> str:
    console = Console(file=io.StringIO(), width=width, record=True, force_terminal=True)
    display = Display("sqlite 'shop' -> file", console, now=lambda: 0.0)
    for each in snapshots:
        display.observe(each)
    console.print(display.render())
    return console.export_text()


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_the_display_can_be_drawn_before_anything_is_known(width: int) -> None:
    assert "Starting" in drawn(width)
    assert drawn(width, snapshot(0.0))


@pytest.mark.parametrize("width", [20, 40, 71, 72, 120, 300])
def test_the_display_fits_any_width(width: int) -> None:
    busy = snapshot(
        10.0,
        types={"table": book(2_000_000, 10, 3), "database": book(1, 1)},
        in_flight=4,
        slowest=[(LONG, 12.5), ("[bold]hostile[/]", 3.0)],
        listing=True,
        sink_down="503 Service Unavailable",
        about={"dashboard": "http://127.0.0.1:8265", "workers": "2"},
        second_wave=12,
    )
    text = drawn(width, snapshot(0.0), busy)
    assert all(len(line) <= width for line in text.splitlines())


def test_the_display_shows_what_a_person_waits_for() -> None:
    text = drawn(
        100,
        snapshot(0.0, types={"table": book(1_000)}),
        snapshot(10.0, types={"table": book(1_000, 400, 100), "database": book(1, 1)}, in_flight=4),
    )
    row = next(line for line in text.splitlines() if line.startswith("table"))
    assert row.split() == ["table", "1,000", "500", "100", "50/s", "10", "s"]
    assert text.index("database") < text.index("table  ")
    assert "4 of 4 in flight" in text


def test_names_are_not_taken_for_markup() -> None:
    text = drawn(120, snapshot(1.0, slowest=[("a[red]b", 1.0)], types={"[x]": book(1)}))
    assert "a[red]b" in text
    assert "[x]" in text


def test_time_left_is_told_only_when_it_can_be_known() -> None:
    pace = Pace()
    (line,) = pace.lines(snapshot(1.0, types={"table": book(1_000, 5)}))
    assert (line.rate, line.left) == (0.0, None)
    (line,) = pace.lines(snapshot(2.0, types={"table": book(1_000, 10)}))
    assert (line.rate, line.left) == (5.0, None)  # too few to forecast from
    (line,) = pace.lines(snapshot(3.0, types={"table": book(1_000, 100)}, listing=True))
    assert line.left is None  # nobody knows how many there will be
    (line,) = pace.lines(snapshot(5.0, types={"table": book(1_000, 205)}))
    assert (line.rate, line.left) == (50.0, 15.9)


def test_the_rate_is_of_the_last_seconds() -> None:
    pace = Pace()
    for second in range(40):
        pace.lines(snapshot(float(second), types={"table": book(10_000, second * 10)}))
    (line,) = pace.lines(snapshot(40.0, types={"table": book(10_000, 390)}))
    assert line.rate == pytest.approx(140 / 15)


def test_a_log_line_comes_at_each_phase_and_every_ten_seconds() -> None:
    said: list[str] = []
    lines = LogLines(said.append)
    for tenth in range(300):
        types = {"table": book(1_000, tenth)}
        lines.observe(snapshot(tenth / 10, types=types, listing=tenth < 50, in_flight=4))
    assert [each.partition(":")[0] for each in said] == [
        "Discovering and reading",
        "Reading",
        "Reading",
        "Reading",
    ]
    assert said[-1] == "Reading: table 250 of 1,000 (10/s, 1 min 15 s left); 4 of 4 in flight"


def test_phases_have_names() -> None:
    table = {"table": book(10, 5)}
    assert phase_of(snapshot(0, sink_down="x", listing=True)) == "Waiting for the sink"
    assert phase_of(snapshot(0, types=table, second_wave=5)) == "Writing references"
    assert phase_of(snapshot(0, types=table, second_wave=2, in_flight=1)) == "Reading"
    assert phase_of(snapshot(0, types=table)) == "Writing"
    assert phase_of(snapshot(0, types=table, at_source=5)) == "Waiting for the source"
    assert phase_of(snapshot(0, types=table, at_source=4, in_flight=1)) == "Reading"
    assert phase_of(snapshot(0)) == "Ending"


def report(**changes: object) -> Report:
    given: dict[str, object] = {
        "run_id": "r1",
        "state": "success",
        "verdict": "Success: 1 of 1 entities ingested in 1.0 s.",
        "types": {"table": book(1, 1), "database": book(0)},
        "run_directory": "/state/r1",
    }
    return Report(**(given | changes))  # type: ignore[arg-type]


def told(made: Report, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, record=True)
    summary.show(made, quiet=False, console=console)
    return console.export_text()


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_the_end_can_be_told_about_nothing_at_all(width: int) -> None:
    assert "Success" in told(report(types={}), width)


@pytest.mark.parametrize("width", [30, 80, 200])
def test_the_end_tells_everything(width: int) -> None:
    groups = [
        ErrorGroup(f"f{n}", "Denied", f"no [right] {n}", "grant it", 9, [LONG]) for n in range(12)
    ]
    text = told(
        report(
            state="partialSuccess",
            verdict="Partial success: 1 of 9.",
            errors=groups,
            not_listed=[f"schema{n}" for n in range(12)],
            unresolved=2,
            filtered={"table": 3, "database": 0},
            seconds=Seconds(100.0, 1.0, 2.0, 900.0, 50.0, 7.0),
            calls={"source": 10, "sink": 2},
            speed_up=9.5,
            parallelism=10,
            engine="ray",
            bottleneck="the source (95% of the time it could have used)",
            advice=["With --parallelism 40 …"],
            warnings=["Accepted, but not used yet: x."],
            dry_run=True,
            next_command="rayingest check c.yaml",
        ),
        width,
    )
    flat = " ".join(text.split())
    for words in (
        "9 x Denied: no [right] 0",
        "→ grant it",
        "8 more",
        "2 more kinds",
        "Could not be listed",
        "schema0",
        "and 2 more",
        "2 references",
        "Dropped by filters: table 3.",
        "1 min 40 s in all",
        "bottleneck was the source",
        "9.5 times as fast",
        "--parallelism 40",
        "not used yet: x",
        "Nothing was written",
        "Next: rayingest check c.yaml",
    ):
        assert words in flat


def test_columns_that_are_zero_everywhere_are_left_out() -> None:
    text = told(report())
    assert "quarantined" not in text
    assert "quarantined" in told(report(types={"table": book(1) | {"quarantined": 1}}))


def failing(kind: str, sample: str, **changes: object) -> Report:
    types = {"table": book(2, 1, 1)}
    errors = [ErrorGroup("f", kind, "m", "pip install 'rayingest[x]'", 1, [sample])]
    return report(**({"state": "failed", "errors": errors, "types": types} | changes))


@pytest.mark.parametrize(
    ("made", "command"),
    [
        (report(), ""),
        (report(dry_run=True), "rayingest run 'my c.yaml'"),
        (report(types={}), "rayingest discover 'my c.yaml' --explain NAME"),
        (report(state="stopped"), "rayingest run 'my c.yaml'"),
        (report(state="stopped", resumable=True), "rayingest resume r1"),
        (failing("Unreachable", "the run"), "rayingest check 'my c.yaml'"),
        (failing("SinkUnauthorised", "the run"), "rayingest check 'my c.yaml'"),
        (failing("MissingDriver", "the run"), "pip install 'rayingest[x]'"),
        (failing("ConfigError", "the run"), "rayingest validate 'my c.yaml'"),
        (failing("KeyError", "the run"), "rayingest run 'my c.yaml' -v"),
        (failing("KeyError", "a.b c"), "rayingest process 'my c.yaml' --entity 'a.b c'"),
        (
            failing("Denied", "s1", not_listed=["s1"], types={"table": book(1, 1)}),
            "rayingest check 'my c.yaml'",
        ),
    ],
)
def test_the_next_command(made: Report, command: str) -> None:
    assert advice.next_command(made, "my c.yaml") == command


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("4h", 14400),
        ("1h30m", 5400),
        ("0.5h", 1800),
        ("1d", 86400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "4 hours", "h", "1h30", "-5", "0", "5x"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


def test_numbers_for_people() -> None:
    assert [spell(each) for each in (0.42, 12, 185, 7800)] == [
        "0.4 s",
        "12 s",
        "3 min 05 s",
        "2 h 10 min",
    ]
    assert [clock(each) for each in (7, 760, 3723)] == ["0:07", "12:40", "1:02:03"]
    assert [per_second(each) for each in (1240, 3.4, 0.05)] == ["1,240/s", "3.4/s", "3.0/min"]
    assert [allowed(each) for each in (1000, 50, 2.5, 480 / 3600)] == [
        "1,000/s",
        "50/s",
        "2.5/s",
        "480/h",
    ]
    assert allowed(25 / 3600, " calls") == "25 calls/h"
    assert [plural(1, "problem"), plural(2, "entity", "entities")] == ["1 problem", "2 entities"]
    assert [size(312e6), size(1.5e9)] == ["312 MB", "1.5 GB"]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job with a bug in it that knows the password."""

    def burst(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"could not divide postgres://me:{SECRET}@db by {SECRET}")

    monkeypatch.setattr(api.Job, "refuse_untested", burst)


@pytest.mark.usefixtures("broken")
def test_a_bug_is_one_sentence_and_a_traceback_elsewhere(
    cli: Callable, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    more = "workflowConfig: {openMetadataServerConfig: {hostPort: 'http://localhost:1/api', "
    more += "securityConfig: {jwtToken: '${SHOP_PASSWORD}'}}}"
    said = cli("run", shop.config(more=more))
    assert (said.code, said.out) == (1, "")
    assert "This is a bug." in said.err
    assert "ZeroDivisionError" in said.err
    assert "Traceback" not in said.err
    (crash,) = (tmp_path / "state" / "rayingest" / "crashes").iterdir()
    assert str(crash) in said.err.replace("\n", "")
    assert "Traceback" in crash.read_text()
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
    loud = cli("run", shop.config(more=more), "-v")
    assert "Traceback" in loud.err
    assert SECRET not in said.err + loud.err + crash.read_text()


def test_two_configs_are_one_too_many_unless_one_is_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert loading.which("a", "a") == "a"
    monkeypatch.setenv("RAYINGEST_CONFIG", "b")
    assert loading.which("a", "b") == "a"


def test_an_interrupted_look_is_130_in_a_word(
    cli: Callable, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api.Job, "discover", press)
    said = cli("discover", shop.config())
    assert (said.code, said.out) == (130, "")
    assert said.err.endswith("Interrupted.\n")
