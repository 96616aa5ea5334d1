"""What a run says at its end: a verdict, both books, errors grouped, time by phase, what to do next."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from rayingest.execute.events import Why, WithheldGroup
from rayingest.execute.limits import LimitReport
from rayingest.execute.stalls import Stall
from rayingest.state.ledger import Ledger

SCHEMA = "rayingest.report/1"
SAMPLES = 5
PARENT = "failed (parent)"
State = Literal["success", "partialSuccess", "failed", "stopped", "stalled"]
EXIT_CODES: dict[str, int] = {
    "success": 0,
    "partialSuccess": 3,
    "failed": 1,
    "stopped": 130,
    "stalled": 5,
}
_VARYING = re.compile(r"(?<=\(parent\): ).*|'[^']*'|\"[^\"]*\"|`[^`]*`|\b0x[0-9a-fA-F]+\b|\d+")


class ErrorGroup(msgspec.Struct, rename="camel"):
    """Errors that differ only in names and numbers."""

    fingerprint: str
    kind: str = msgspec.field(name="class")
    message: str
    hint: str | None
    count: int = 0
    samples: list[str] = []


@dataclass
class Errors:
    """Groups errors by fingerprint as they come; keeps a few samples of each."""

    groups: dict[str, ErrorGroup] = field(default_factory=dict)

    def add(self, cause: Why, sample: str, count: int = 1) -> None:
        """Count errors about `sample` (an entity's id, or what could not be listed)."""
        text = _VARYING.sub("…", cause.message)
        key = hashlib.sha256(f"{cause.kind}:{text}".encode()).hexdigest()[:12]
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = ErrorGroup(key, cause.kind, cause.message, cause.hint)
        group.count += count
        if len(group.samples) < SAMPLES:
            group.samples.append(sample)

    def sorted(self) -> list[ErrorGroup]:
        """Most frequent first; what only failed with its parent last."""
        return sorted(
            self.groups.values(), key=lambda each: (each.message.startswith(PARENT), -each.count)
        )


class Seconds(msgspec.Struct):
    """Time by phase in seconds.

    `total` and `startup` are wall time; `discovery`, `source`, `sink` and `waiting` are summed over
    everything that ran at the same time. `waiting` is the source held up by the sink, `limits` by its
    own limits.
    """

    total: float = 0.0
    startup: float = 0.0
    discovery: float = 0.0
    source: float = 0.0
    sink: float = 0.0
    waiting: float = 0.0
    limits: float = 0.0


class Report(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=False):
    """`--report-json`, schema `rayingest.report/1`."""

    schema: str = SCHEMA
    run_id: str
    state: State
    verdict: str = ""
    service: str = ""
    engine: str = ""
    parallelism: int = 1
    dry_run: bool = False
    started_at: str = ""
    ended_at: str = ""
    types: dict[str, dict[str, int]] = {}
    entities: dict[str, dict[str, int]] = {}
    filtered: dict[str, int] = {}
    errors: list[ErrorGroup] = []
    not_listed: list[str] = []
    unresolved: int = 0
    unresolved_samples: list[str] = []
    withheld: list[WithheldGroup] = []
    rewritten: list[str] = []
    limits: list[LimitReport] = []
    stalls: list[Stall] = []
    crammed: int = 0
    throttled_seconds: float = 0.0
    seconds: Seconds = msgspec.field(default_factory=Seconds)
    calls: dict[str, int] = {}
    cpu_seconds: float = 0.0
    state_seconds: float = 0.0
    audit_seconds: float = 0.0
    peak_rss_bytes: int = 0
    speed_up: float = 1.0
    bottleneck: str = ""
    advice: list[str] = []
    next_command: str = ""
    run_directory: str = ""
    warnings: list[str] = []
    exit_code: int = 0
    attempt: int = 1
    resumable: bool = False
    parent: str | None = None

    def __repr__(self) -> str:
        """The verdict, for notebooks and the prompt."""
        return f"<Report {self.run_id} {self.state}: {self.verdict}>"

    def fail(self, reason: str) -> None:
        """Whatever it was, it failed for this, too."""
        if self.state in ("success", "partialSuccess"):
            self.state = "failed"
            self.exit_code = EXIT_CODES["failed"]
            self.verdict = f"Failed: {reason}"

    def to_json(self) -> bytes:
        """Indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


def code_of(report: Report | None, *, partial_ok: bool = False) -> int:
    """The exit code that a report stands for, read by others; without one nobody knows, and that is no success."""
    if report is None:
        return EXIT_CODES["failed"]
    if partial_ok and report.state == "partialSuccess":
        return EXIT_CODES["success"]
    return EXIT_CODES[report.state]


def judge(
    ledger: Ledger, *, stopping: str | None, fatal: Why | None, unfinished: int, threshold: float
) -> State:
    """The state of a run, as docs/how-it-works.md says (`threshold` in percent).

    `unfinished`: scopes that were not listed, and deletions that the sink refused.
    """
    if fatal is not None:
        return "failed"
    if stopping is not None:
        return {"interrupted": "stopped", "timeout": "stalled", "stalled": "stalled"}.get(  # type: ignore[return-value]
            stopping, "failed"
        )
    if ledger.imbalances() or round(ledger.succeeded * 100, 6) < threshold:
        return "failed"
    if unfinished or ledger.total("failed") or ledger.total("quarantined"):
        return "partialSuccess"
    return "success"


def verdict(state: State, ledger: Ledger, *, reason: str, seconds: float) -> str:
    """One sentence."""
    found = ledger.discovered.total()
    good = sum(ledger.total(each) for each in ("ok", "unchanged"))
    bad = ledger.total("failed") + ledger.total("quarantined")
    counts = f"{good:,} of {found:,} entities ingested"
    if bad:
        counts += f", {bad:,} failed"
    if skipped := ledger.total("skipped"):
        counts += f", {skipped:,} vanished meanwhile"
    if missing := found - good - bad - skipped:
        counts += f", {missing:,} not reached"
    words = {
        "success": "Success",
        "partialSuccess": "Partial success",
        "failed": "Failed",
        "stopped": "Stopped",
        "stalled": "Stalled",
    }
    text = f"{words[state]}: {counts} in {seconds:.1f} s"
    return f"{text}. {reason}" if reason else f"{text}."


def sentence(message: str, hint: str | None) -> str:
    """What went wrong, and what to do about it."""
    return f"{message}{'' if message.endswith(('.', '?', '!')) else '.'} {hint or ''}".strip()


def bottleneck(seconds: Seconds, parallelism: int, writers: int) -> str:
    """The phase that set the pace, with the figures that say so: the one that was busiest."""
    busy = max(seconds.total - seconds.startup, 1e-9)
    if seconds.waiting > seconds.source / 2:
        return f"the sink: the source waited {seconds.waiting:.1f} s for it"
    if seconds.limits > seconds.source / 2:
        return f"a limit of the source: its calls waited {seconds.limits:,.1f} s for their turn"
    shares = {
        "start-up": seconds.startup / max(seconds.total, 1e-9),
        "discovery": seconds.discovery / max(seconds.total, 1e-9),
        "the source": (seconds.source - seconds.waiting - seconds.limits)
        / busy
        / max(1, parallelism),
        "the sink": seconds.sink / busy / max(1, writers),
    }
    name = max(shares, key=lambda each: shares[each])
    return f"{name} ({min(shares[name], 1.0):.0%} of the time it could have used)"


def advice(seconds: Seconds, parallelism: int, *, cap: int) -> str | None:
    """What more parallelism would likely have saved, as a sentence; None when little."""
    reading = seconds.source - seconds.waiting - seconds.limits
    if seconds.limits > seconds.source / 2:
        return None  # more at once would only wait longer
    if seconds.total < 5 or parallelism >= cap or reading < seconds.total / 2:
        return None
    wanted = min(cap, max(8, parallelism * 4))
    saved = reading / max(1, parallelism) - reading / wanted
    if saved < 2 or saved < seconds.total / 10:
        return None
    return (
        f"With --parallelism {wanted} this run would likely have taken about {saved:,.0f} s less "
        f"(reading took {reading:,.0f} s, {parallelism} at a time)."
    )
