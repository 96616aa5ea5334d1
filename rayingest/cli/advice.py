"""The next command to type after a run."""

import shlex

from rayingest.execute.report import ErrorGroup, Report

OF_THE_CONNECTION = {
    "Unreachable",
    "Unauthorised",
    "Denied",
    "SinkDown",
    "SinkUnauthorised",
    "SinkError",
}


def next_command(report: Report, config: str) -> str:
    """What helps most, given how the run ended; empty when there is nothing to do."""
    quoted = shlex.quote(config)
    if mend := after_process(report, config):
        return mend
    if report.state in ("stopped", "stalled"):
        return f"rayingest run {quoted}"
    if failed := _an_entity(report):
        return f"rayingest process {quoted} --entity {shlex.quote(failed)}"
    if report.not_listed:
        return f"rayingest check {quoted}"
    if report.state == "success" and report.dry_run:
        return f"rayingest run {quoted}"
    if not any(each["discovered"] for kind, each in report.types.items() if "Service" not in kind):
        return f"rayingest discover {quoted} --explain NAME"
    return ""


def after_process(report: Report, config: str) -> str:
    """The same after `rayingest process`, which needs no more words where one entity failed."""
    broken = next((each for each in report.errors if "the run" in each.samples), None)
    return _mend(broken, shlex.quote(config)) if broken else ""


def _mend(error: ErrorGroup, config: str) -> str:
    if error.kind == "MissingDriver" and error.hint:
        return error.hint
    if error.kind in OF_THE_CONNECTION:
        return f"rayingest check {config}"
    return f"rayingest validate {config}" if "Config" in error.kind else f"rayingest run {config} -v"


def _an_entity(report: Report) -> str | None:
    """An entity that failed by itself: a sample of an error that is not about a listing."""
    if not any(each["failed"] or each["quarantined"] for each in report.types.values()):
        return None
    unlisted = set(report.not_listed)
    samples = (sample for each in report.errors for sample in each.samples)
    return next((each for each in samples if each not in unlisted), None)
