"""A plan as a file, and what holds a run to it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from rayingest import __version__
from rayingest.api import continuing
from rayingest.errors import ConfigError
from rayingest.execute.estimate import Estimate
from rayingest.execute.events import WithheldGroup
from rayingest.execute.report import ErrorGroup

if TYPE_CHECKING:
    from rayingest.config import Config

SCHEMA = "rayingest.plan/1"


class TypePlan(msgspec.Struct, rename="camel", kw_only=True):
    """Entities of one type. Of those `known` only describing tells whether they have changed: as the
    sample has it `update` of them, between `update_low` and `update_high` (95 %; all without one).

    `rewrite` are in the sink already and are written in any case.
    """

    discovered: int = 0
    create: int = 0
    rewrite: int = 0
    known: int = 0
    update: int = 0
    update_low: int = 0
    update_high: int = 0
    unchanged: int = 0
    delete: int = 0
    withheld: int = 0
    filtered: int = 0


class Sampling(msgspec.Struct, rename="camel", kw_only=True):
    """What was described to measure: how many, seconds, CPU seconds, calls, and what failed (up to 5)."""

    described: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    calls: int = 0
    failed: int = 0
    failures: list[str] = []


class Plan(msgspec.Struct, rename="camel", kw_only=True):
    """`rayingest plan --format json`, schema `rayingest.plan/1`.

    `relevant` is what of the config acts on what is written; `delete` are (type, FQN) and all below
    them; `create` are (type, id). `caveats` say what the estimates leave out.
    """

    schema: str = SCHEMA
    version: str = __version__
    made_at: str
    service: str
    connector: str
    sink: str
    relevant: dict[str, object]
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    full_refresh: bool = False
    allow_deletions: bool = False
    state: str
    verdict: str
    exit_code: int = 0
    types: dict[str, TypePlan] = {}
    delete: list[tuple[str, str]] = []
    withheld: list[WithheldGroup] = []
    not_listed: list[str] = []
    errors: list[ErrorGroup] = []
    discovery_seconds: float = 0.0
    sample: Sampling = msgspec.field(default_factory=Sampling)
    estimates: list[Estimate] = []
    caveats: list[str] = []
    warnings: list[str] = []
    create: list[tuple[str, str]] = []

    def __repr__(self) -> str:
        """The verdict, for notebooks and the prompt."""
        return f"<Plan {self.service}: {self.verdict}>"

    @property
    def planned(self) -> frozenset[tuple[str, str]]:
        """All that a run of this plan may delete."""
        return frozenset(self.delete)

    def differences(self, discovered: Mapping[str, int]) -> list[str]:
        """A word for each type of which a run has found another number."""
        return [
            f"{kind} {discovered.get(kind, 0):,} instead of {each.discovered:,}"
            for kind, each in self.types.items()
            if discovered.get(kind, 0) != each.discovered
        ]

    def to_json(self) -> bytes:
        """Indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)


def read(text: bytes, name: str) -> Plan:
    """A plan that `--out` wrote. Raises ConfigError."""
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except msgspec.MsgspecError as error:
        raise ConfigError(
            f"{name} is no plan: {error}", hint="`rayingest plan CONFIG --out FILE` writes one."
        ) from error
    if plan.schema != SCHEMA:
        raise ConfigError(
            f"{name} has the schema {plan.schema!r}; this rayingest reads {SCHEMA!r}.",
            hint="Make the plan again.",
        )
    return plan


def held_to(plan: Plan, config: "Config") -> None:
    """Refuse a plan of another config, or one that is not fit to be run. Raises ConfigError."""
    changed = continuing.changed(plan.relevant, continuing.plain(config.relevant()))
    if changed:
        raise ConfigError(
            f"The config has changed since the plan was made: {', '.join(changed)}.",
            hint="Make the plan again: `rayingest plan CONFIG --out FILE`.",
        )
    if plan.state == "failed":
        raise ConfigError(f"The plan failed: {plan.verdict}", hint="Make it again when that works.")
