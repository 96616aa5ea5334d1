"""A report as one line of a log, for those who have nothing but the log.

The operator shows the end of a driver's log (20,000 characters) when it fails, and a pod's log outlives the
run: both then have the report. The line is cut to 8,000 bytes: the run directory has all of it.
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from rayingest.execute.report import SCHEMA, Report

MARK = "RAYINGEST_REPORT "
LONGEST = 8_000  # bytes
FEW = 5
MESSAGE = 300  # characters


def line(report: Report) -> str:
    """The line: what is long is left out, from the least that is needed on."""
    errors = [
        msgspec.structs.replace(each, message=each.message[:MESSAGE], samples=each.samples[:1])
        for each in report.errors[:FEW]
    ]
    short = replace(
        report,
        errors=errors,
        not_listed=report.not_listed[:FEW],
        unresolved_samples=[],
        withheld=[],
        rewritten=[],
        limits=[],
        stalls=[],
        warnings=[],
    )
    smaller = (short, replace(short, errors=[]), replace(short, errors=[], not_listed=[]))
    for each in smaller:
        text = MARK + msgspec.json.encode(each).decode()
        if len(text.encode()) <= LONGEST:
            return text
    least = Report(
        run_id=report.run_id,
        state=report.state,
        verdict=report.verdict[:MESSAGE],
        started_at=report.started_at,
        ended_at=report.ended_at,
        attempt=report.attempt,
        exit_code=report.exit_code,
    )
    return MARK + msgspec.json.encode(least).decode()


def found(text: Iterable[str]) -> Report | None:
    """The last report among lines; None when there is none that can be read."""
    last = None
    for each in text:
        _, mark, told = each.partition(MARK)
        if not mark:
            continue
        try:
            report = msgspec.json.decode(told, type=Report)
        except msgspec.MsgspecError:
            continue  # cut by whoever kept the log
        if report.schema == SCHEMA:
            last = report
    return last
