"""What is said while a run goes on, and which kind of saying it is."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from rayingest.cli import exits, logs
from rayingest.cli.pace import Line, Pace, phase_of
from rayingest.cli.values import per_second, spell
from rayingest.execute.snapshot import Snapshot

EVERY = 10.0  # seconds between log lines


class Progress(Protocol):
    """Is told how a run stands."""

    def observe(self, snapshot: Snapshot) -> None:
        """Show the run as it stands; called a few times a second."""
        ...

    def interrupted(self, times: int) -> None:
        """Say that the run was asked to stop; called by a signal handler."""
        ...


class Silent:
    """Says nothing but that it stops."""

    def observe(self, snapshot: Snapshot) -> None:
        """See Progress."""

    def interrupted(self, times: int) -> None:
        """See Progress. Past the second time nobody waits for anything any more."""
        text = exits.STOPPING if times == 1 else exits.LEAVING
        # Not through the logger: the signal may have come in the middle of one of its lines.
        os.write(2, logs.line("warning", text).encode())
        if times > 2:
            os._exit(exits.Exit.INTERRUPTED)


class LogLines(Silent):
    """A log line every ten seconds, and whenever a phase begins."""

    def __init__(self, say: Callable[[str], None] = logs.info) -> None:
        self._say = say
        self._pace = Pace()
        self._phase = ""
        self._said = 0.0

    def observe(self, snapshot: Snapshot) -> None:
        """See Progress."""
        lines = self._pace.lines(snapshot)
        phase = phase_of(snapshot)
        if phase != self._phase or snapshot.elapsed - self._said >= EVERY:
            self._phase, self._said = phase, snapshot.elapsed
            told = "; ".join(map(sentence, lines)) or "nothing is found yet"
            busy = f"{snapshot.in_flight} of {snapshot.parallelism} in flight"
            if snapshot.at_source:
                busy += f", the source works on {snapshot.at_source:,}"
            self._say(f"{phase}: {told}; {busy}")


def sentence(line: Line) -> str:
    """`table 1,250 of 2,000 (412/s, 2 s left, 3 failed)`."""
    more = [per_second(line.rate)] if line.rate and line.done < line.discovered else []
    if line.left is not None and line.done < line.discovered:
        more.append(f"{spell(line.left)} left")
    if line.failed:
        more.append(f"{line.failed:,} failed")
    tail = f" ({', '.join(more)})" if more else ""
    return f"{line.type} {line.done:,} of {line.discovered:,}{tail}"


def shown(mode: str, title: str, *, quiet: bool) -> AbstractContextManager[Progress]:
    """The kind of progress that was asked for; `auto` is a live display on a terminal, else lines."""
    if mode == "auto":
        plain = logs.is_json() or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb"
        mode = "none" if quiet else "log" if plain else "rich"
    match mode:
        case "rich":
            from rayingest.cli.display import Display

            return Display(title)
        case "log":
            return nullcontext(LogLines())
        case _:
            return nullcontext(Silent())
