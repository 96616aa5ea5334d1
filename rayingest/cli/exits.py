"""Exit codes, and how an error is told: one sentence, the next move, never a traceback or a secret."""

import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rayingest.errors import ConfigError, RayingestError

if TYPE_CHECKING:
    from rayingest.config import ConfigErrors


class Exit(IntEnum):
    """What the shell hears."""

    OK = 0
    FAILED = 1
    CONFIG = 2
    PARTIAL = 3
    CHECK = 4
    STALLED = 5
    INTERRUPTED = 130


STOPPING = "Stopping: what is under way may finish; press Ctrl-C again to leave at once."
LEAVING = "Leaving at once."


def told(error: RayingestError) -> Exit:
    """Tell an error that a command could not get round; the exit code."""
    from rayingest.cli import logs
    from rayingest.config import ConfigErrors

    if isinstance(error, ConfigErrors):
        problems(error)
    else:
        logs.error(str(error) or type(error).__name__, error.hint)
    return Exit.CONFIG if isinstance(error, ConfigError) else Exit.FAILED


def problems(error: "ConfigErrors") -> None:
    """Every problem of a config, and how many they are."""
    from rayingest.cli import logs
    from rayingest.cli.values import plural

    for each in error.problems:
        where = f"{each.path}: " if each.path else ""
        logs.error(f"{each.mark}: {where}{each.message}", each.hint)
    if len(error.problems) > 1:
        logs.error(f"{plural(len(error.problems), 'problem')} in the config.")


def crashed(error: BaseException, *, verbose: bool) -> Exit:
    """Tell of an error that nobody foresaw; the traceback goes to a file."""
    from rayingest.cli import logs
    from rayingest.cli.secrecy import masked

    text = masked("".join(traceback.format_exception(error)))
    first = (masked(str(error)).strip().splitlines() or [""])[0][:300]
    name = type(error).__name__
    what = f"{name}: {first}" if first else name
    if verbose:
        sys.stderr.write(text)
    logs.error(
        f"rayingest failed unexpectedly: {what.rstrip('.')}. This is a bug.",
        f"Please report it with the traceback: {_keep(text)}",
    )
    return Exit.FAILED


def _keep(text: str) -> str:
    """Write a traceback where it can be found; answers where that is."""
    name = f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(text, "utf-8")
        except OSError:
            continue
        return str(path)
    return "it could not be written; run again with -v to see it"


def _folders() -> tuple[Path, ...]:
    from rayingest.api.job import state_home

    return Path(state_home()) / "crashes", Path(tempfile.gettempdir())


def stdout_gone() -> None:
    """Whoever read our standard output has left: write the rest to nowhere, quietly."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
