"""What a run does besides when it was submitted: nobody sees its process, so its log and report must travel."""

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rayingest.execute.report import Report
    from rayingest.state.run_directory import RunDirectory


def is_submitted() -> bool:
    """Whether this process is the driver of a submitted run."""
    return bool(os.environ.get("RAYINGEST_SUBMITTED"))  # launch.pods sets it


@contextmanager
def recorded(directory: "RunDirectory") -> Generator[None]:
    """Keep the log in the run directory, as far as somebody submitted this run."""
    if not is_submitted():
        yield
        return
    from rayingest.cli.logs import Formatted
    from rayingest.cli.secrecy import masked
    from rayingest.state.logbook import Logbook

    book = Logbook(directory.store)
    handler = Formatted(lambda text: book.add(masked(text)))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        book.close()


def tell(report: "Report") -> None:
    """Write the report as the last line of the log."""
    if is_submitted():
        from rayingest.api.lines import line

        sys.stdout.write(line(report) + "\n")
        sys.stdout.flush()
