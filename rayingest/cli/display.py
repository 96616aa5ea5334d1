"""The live display of a run on a terminal."""

import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rayingest.cli import exits, logs
from rayingest.cli.pace import Line, Pace, phase_of
from rayingest.cli.values import clock, per_second, spell
from rayingest.execute.snapshot import Snapshot

NARROW = 72  # columns below which rate and time left are not shown


class Display:
    """Redrawn four times a second out of the last snapshot; gone when the run has ended."""

    def __init__(
        self,
        title: str,
        console: Console | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.title = title
        self.console = console or Console(stderr=True, highlight=False)
        self.snapshot: Snapshot | None = None
        self.lines: list[Line] = []
        self.notice = ""
        self._now = now
        self._began = now()
        self._pace = Pace()
        self._live = Live(
            console=self.console,
            get_renderable=self.render,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def observe(self, snapshot: Snapshot) -> None:
        """See Progress."""
        self.lines = self._pace.lines(snapshot)
        self.snapshot = snapshot

    def interrupted(self, times: int) -> None:
        """See Progress; the next redraw shows it."""
        self.notice = exits.STOPPING if times == 1 else exits.LEAVING
        if times > 2:
            os._exit(exits.Exit.INTERRUPTED)
        if not self.console.is_terminal:
            os.write(2, logs.line("warning", self.notice).encode())

    def render(self) -> RenderableType:
        """The display as it is now."""
        parts: list[RenderableType] = [self._head()]
        if self.snapshot is not None:
            parts.append(self._table() if self.lines else Text("  nothing is found yet", "dim"))
            parts += self._foot(self.snapshot)
        if self.notice:
            parts.append(Text(self.notice, "yellow"))
        return Group(*parts)

    def _head(self) -> Text:
        phase = phase_of(self.snapshot) if self.snapshot else "Starting"
        return Text.assemble(
            (f"{clock(self._now() - self._began)} ", "bold"), f"{phase}: {self.title}"
        )

    def _table(self) -> Table:
        wide = self.console.width >= NARROW
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("type", no_wrap=True, overflow="ellipsis")
        for head in ("discovered", "done", "failed", *(("rate", "time left") if wide else ())):
            table.add_column(head, justify="right", no_wrap=True)
        for line in self.lines:
            table.add_row(*self._cells(line)[: 6 if wide else 4])
        return table

    def _cells(self, line: Line) -> list[Text]:
        finished = line.done >= line.discovered and self.snapshot and not self.snapshot.listing
        left = "done" if finished else "…" if line.left is None else spell(line.left)
        return [
            Text(line.type),
            Text(f"{line.discovered:,}"),
            Text(f"{line.done:,}", "green" if finished else ""),
            Text(f"{line.failed:,}", "red" if line.failed else "dim"),
            Text(per_second(line.rate) if line.rate else "-"),
            Text(left),
        ]

    def _foot(self, snapshot: Snapshot) -> list[RenderableType]:
        busy = f"{snapshot.in_flight} of {snapshot.parallelism} in flight"
        if snapshot.at_source:
            busy += f" · the source works on {snapshot.at_source:,}"
        if snapshot.second_wave:
            busy += f" · {snapshot.second_wave:,} wait for what they refer to"
        if workers := snapshot.about.get("workers"):
            busy += f" · Ray workers: {workers}"
        foot: list[RenderableType] = [self._cut(busy)]
        if snapshot.slowest:
            names = (f"{name} {spell(seconds)}" for name, seconds in snapshot.slowest)
            foot.append(self._cut(f"slowest now: {', '.join(names)}"))
        if link := snapshot.about.get("dashboard"):
            foot.append(self._cut(f"Ray dashboard: {link}"))
        if snapshot.sink_down:
            foot.append(
                Text(f"The sink does not answer, the run waits: {snapshot.sink_down}", "yellow")
            )
        if snapshot.source_away:
            foot.append(
                Text(f"The source is away, the run waits: {snapshot.source_away}", "yellow")
            )
        return foot

    def _cut(self, text: str) -> Padding:
        # Room for the ^C that a terminal writes behind the last line.
        return Padding(Text(text, "dim", no_wrap=True, overflow="ellipsis"), (0, 3, 0, 0))
