"""`rayingest plan`: what a run would do, how long it would take, and a file that holds a run to it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rayingest.api import continuing, remembering
from rayingest.api.choices import options_of
from rayingest.api.costing import Costs, sampled
from rayingest.api.plans import Plan, Sampling, TypePlan
from rayingest.api.wishes import Wishes
from rayingest.config.options import DatabaseLineage
from rayingest.errors import RayingestError
from rayingest.execute.estimate import share
from rayingest.execute.report import Report, sentence
from rayingest.execute.sampling import Sample
from rayingest.execute.survey import Survey, survey
from rayingest.model import EntityType
from rayingest.state.known import KnownState
from rayingest.state.overlay import Overlay
from rayingest.state.run_directory import new_run_id
from rayingest.workflows.metadata import MetadataStage

if TYPE_CHECKING:
    from rayingest.config import Config


def make(
    config: "Config",
    asked: Wishes,
    *,
    sample: int,
    parallelism: Sequence[int],
    log: Callable[[str, str], None] | None = None,
) -> Plan:
    """Discover, compare, measure a sample, estimate. Nothing is written anywhere.

    Raises ConfigError; what goes wrong at the source is in the plan.
    """
    stage = MetadataStage.of(config)
    options = options_of(config, asked)
    known = remembering.memory(config, asked, new_run_id(), few=False, changed=False)
    state = KnownState(Overlay(known.state.store), known.state.about)
    found = survey(stage, replace(options, memory=replace(known, state=state)), log=log)
    measured, problem = None, None
    if sample and found.pools and found.report.state != "failed":
        try:
            measured = sampled(stage, options, found, sample)
        except RayingestError as error:
            problem = f"The sample could not be measured: {error}"
    plan = _plan(config, asked, found, measured)
    if problem:
        plan.warnings.append(problem)
    if measured is not None:
        written = {
            kind: each.create + each.rewrite + each.update for kind, each in plan.types.items()
        }
        costs = Costs(config, options, found, measured, written)
        plan.estimates, caveats = costs.estimates(known.state, parallelism)
        plan.caveats += caveats
    return plan


# --- what would be done ---


def _plan(config: "Config", asked: Wishes, found: Survey, sample: Sample | None) -> Plan:
    report = found.report
    changed: Counter[EntityType] = Counter()
    opened: Counter[EntityType] = Counter()
    for each in sample.measured if sample else ():
        opened[each.type] += each.opened
        changed[each.type] += each.changed
    types = {
        kind: _type_plan(found, EntityType(kind), changed, opened, book)
        for kind, book in report.types.items()
    }
    for kind, count in found.below.items():
        types.setdefault(kind, TypePlan()).delete += count
    for group in report.withheld:
        types.setdefault(group.type, TypePlan()).withheld += group.count
    for kind, count in report.filtered.items():
        types.setdefault(kind, TypePlan()).filtered = count
    plan = Plan(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        service=config.service,
        connector=config.connector,
        sink=config.sink.type,
        relevant=continuing.plain(config.relevant()),
        select=tuple(asked.select),
        exclude=tuple(asked.exclude),
        full_refresh=asked.full_refresh,
        allow_deletions=asked.allow_deletions,
        state=report.state,
        verdict=_verdict(report, types, sampled=sample is not None),
        exit_code=report.exit_code,
        types=types,
        delete=sorted(found.deleted),
        withheld=report.withheld,
        not_listed=report.not_listed,
        errors=report.errors,
        discovery_seconds=report.seconds.total,
        create=sorted((kind.value, each) for kind, each in found.created),
        warnings=[*config.warnings, *found.warnings],
    )
    if isinstance(config.options, DatabaseLineage):
        plan.caveats.append(
            "Which edges views do not have any more is known when they are read: none is in this plan,"
            " and run --plan deletes none."
        )
    if sample is not None:
        plan.sample = Sampling(
            described=sum(each.count for each in sample.measured),
            seconds=sum(each.seconds for each in sample.measured),
            cpu_seconds=sum(
                sample.cpu[kind] * sum(each.count for each in sample.measured if each.type is kind)
                for kind in sample.cpu
            ),
            calls=sum(each.calls for each in sample.measured),
            failed=sum(each.failed for each in sample.measured),
            failures=sample.failures,
        )
        if sample.jobs:
            kinds = ", ".join(sorted(each.value for each in sample.jobs))
            plan.caveats.append(
                f"The source works by itself on what is asked for ({kinds}): neither the time that it"
                " takes nor what comes out is in this plan."
            )
        if sample.children:
            plan.caveats.append(
                "Describing finds more here than listing does: what it finds is not in this plan."
            )
    return plan


def _type_plan(
    found: Survey,
    kind: EntityType,
    changed: Mapping[EntityType, int],
    opened: Mapping[EntityType, int],
    book: Mapping[str, int],
) -> TypePlan:
    tally = found.types.get(kind)
    if tally is None:
        return TypePlan(discovered=book["discovered"], delete=book.get("deleted", 0))
    rate, low, high = share(changed[kind], opened[kind])
    if opened[kind] and opened[kind] >= tally.open:
        low = high = rate  # the sample was all there is
    update = round(tally.open * rate) if opened[kind] else 0
    return TypePlan(
        discovered=tally.total,
        create=tally.create,
        rewrite=tally.rewrite,
        known=tally.open,
        update=tally.update + update,
        update_low=tally.update + int(tally.open * low),
        update_high=tally.update + round(tally.open * high),
        unchanged=tally.unchanged + tally.open - update,
        delete=book.get("deleted", 0),
    )


def _verdict(report: Report, types: Mapping[str, TypePlan], *, sampled: bool) -> str:
    if report.state == "failed" and report.errors:
        first = report.errors[0]
        return f"Failed: {sentence(first.message, first.hint)}"
    sums = {
        name: sum(getattr(each, name) for each in types.values())
        for name in ("discovered", "create", "rewrite", "update", "known", "delete", "withheld")
    }
    text = f"{sums['discovered']:,} found: {sums['create']:,} to create"
    if sums["rewrite"]:
        text += f", {sums['rewrite']:,} to write again"
    if sums["known"] and not sampled:
        text += f", up to {sums['update'] + sums['known']:,} to update"
    elif sums["update"]:
        text += f", about {sums['update']:,} to update"
    text += f", {sums['delete']:,} to delete"
    if sums["withheld"]:
        text += f", {sums['withheld']:,} deletions withheld"
    return text + "."
