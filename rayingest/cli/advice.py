"""The next command to type after a run."""

import shlex
from collections.abc import Iterator

from rayingest.execute.report import ErrorGroup, Report

UNCONNECTED = {"Unreachable", "Unauthorised", "SinkDown", "SinkUnauthorised"}
OF_THE_CONNECTION = {*UNCONNECTED, "Denied", "SinkError"}
WHOLE = "the run"  # what a report names where an error is about no single entity


def next_command(report: Report, config: str) -> str:
    """What helps most, given how the run ended; empty when there is nothing to do."""
    return next(_moves(report, config), "")


def _moves(report: Report, config: str) -> Iterator[str]:
    quoted = shlex.quote(config)
    if any(each.kind == "Superseded" for each in report.errors):
        yield f"rayingest runs show {report.run_id}"
    if mend := after_process(report, config):
        yield mend
    if report.resumable:
        yield f"rayingest resume {report.run_id}"
    if report.state in ("stopped", "stalled"):
        yield f"rayingest run {quoted}"
    if failed := _an_entity(report):
        yield f"rayingest process {quoted} --entity {shlex.quote(failed)}"
    if report.not_listed:
        yield f"rayingest check {quoted}"
    if report.state == "success" and report.dry_run:
        yield f"rayingest run {quoted}"
    if report.parent is None and not any(
        each["discovered"] for kind, each in report.types.items() if "Service" not in kind
    ):
        yield f"rayingest discover {quoted} --explain NAME"


def after_process(report: Report, config: str) -> str:
    """The same after `rayingest process`, which needs no more words where one entity failed."""
    whole = (each for each in report.errors if each.kind in UNCONNECTED or WHOLE in each.samples)
    broken = next(whole, None)
    return _mend(broken, shlex.quote(config)) if broken else ""


def _mend(error: ErrorGroup, config: str) -> str:
    if error.kind == "MissingDriver" and error.hint:
        return error.hint
    if error.kind in OF_THE_CONNECTION:
        return f"rayingest check {config}"
    return (
        f"rayingest validate {config}" if "Config" in error.kind else f"rayingest run {config} -v"
    )


def _an_entity(report: Report) -> str | None:
    """An entity that failed by itself: a sample of an error that is not about a listing."""
    if not any(each["failed"] or each["quarantined"] for each in report.types.values()):
        return None
    unlisted = set(report.not_listed)
    samples = (sample for each in report.errors for sample in each.samples)
    return next((each for each in samples if each not in unlisted), None)
