"""Whether a run counts as a success to Airflow, and what its task says then."""

from typing import TYPE_CHECKING

from rayingest.errors import RayingestError

if TYPE_CHECKING:
    from rayingest.execute.report import Report

FEW = 5  # errors that are told; the report has all of them


class RunFailed(RayingestError):
    """A run has ended, and not well: another look gives the same answer."""


def passed(report: "Report", *, partial_ok: bool, hint: str | None = None) -> str:
    """The verdict of a run that counts as a success. Raises RunFailed."""
    from rayingest.execute.report import code_of

    text = f"Run {report.run_id}: {report.verdict}"
    if code_of(report, partial_ok=partial_ok) == 0:
        return text
    raise RunFailed(" ".join((text, *_errors(report))), hint=hint)


def _errors(report: "Report") -> list[str]:
    """The most frequent ones, and what was not listed."""
    from rayingest.execute.report import sentence

    told = [f"{each.count:,} × {sentence(each.message, each.hint)}" for each in report.errors[:FEW]]
    if report.not_listed:
        told.append(f"Not listed in full: {', '.join(report.not_listed[:FEW])}.")
    return told
