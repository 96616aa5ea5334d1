"""What `run` and `process` have in common: what is said before, and what is done with the report."""

from typing import TYPE_CHECKING

from rayingest.cli import logs, output
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.api import Job
    from rayingest.execute.report import Report
    from rayingest.state.run_directory import RunDirectory


def check_target(report_json: str | None, *, stdout_taken: bool) -> None:
    """Refuse, before anything is done, a report that could not be written. Raises ConfigError."""
    if report_json == "-" and stdout_taken:
        raise ConfigError(
            "--report-json - and the entities both want standard output.",
            hint="Write the report to a file.",
        )
    if report_json not in (None, "-"):
        output.checked(str(report_json))


def announce(job: "Job", directory: "RunDirectory") -> None:
    """How a run is done, what it reads and writes, and where it is recorded."""
    config, execution = job.config, job.config.execution
    logs.info(f"Executing workflow in {execution.mode.value} mode")
    how = {"SEQUENTIAL": "one piece of work after the other"}.get(
        execution.mode.value,
        f"up to {execution.parallelism} at once {'on Ray' if execution.engine == 'ray' else 'in this process'}",
    )
    logs.info(
        f"Reading {config.connector} {config.service!r}, writing to {config.sink.type}: {how}"
    )
    logs.info(f"Run {directory.run_id}, recorded in {directory.url}")
    for each in (*config.warnings, *job.messages):
        logs.warning(each)


def keep(report: "Report", target: str | None) -> None:
    """Write `--report-json`."""
    if target is not None:
        with output.opened(target) as write:
            write(report.to_json() + b"\n")
