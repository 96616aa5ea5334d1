"""What one thread of a worker holds and reads at the moment."""

import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

from rayingest.core.source import DiscoverableSource, EntityDescriptor
from rayingest.execute.delivery import Ticket
from rayingest.execute.events import Chunk, Later, PartOf, Result, RowsOf
from rayingest.workflows.stage import Opened


@dataclass
class Holder:
    """One thread's live source, opened when it is first needed."""

    opened: Opened
    context: object
    stack: ExitStack = field(default_factory=ExitStack)
    source: DiscoverableSource | None = None

    def get(self) -> DiscoverableSource:
        """The source, opened if need be."""
        if self.source is None:
            connector = self.opened.connector
            self.source = self.stack.enter_context(
                connector.open(self.opened.settings, self.context)
            )
        return self.source

    def drop(self) -> None:
        """Close the source; the next `get` opens another."""
        self.source = None
        stack, self.stack = self.stack, ExitStack()
        try:
            stack.close()
        except Exception:  # noqa: BLE001 - a broken session may fail to close; it is gone either way
            return


@dataclass
class Running:
    """A chunk that is being read, as the watch sees it."""

    dispatch: int
    chunk: Chunk
    holder: Holder
    ticket: Ticket | None
    left: dict[str, EntityDescriptor]
    since: float
    started: float
    ended: list[Result] = field(default_factory=list)
    pending: list[Later] = field(default_factory=list)
    children: list[EntityDescriptor] = field(default_factory=list)
    rows: list[RowsOf] = field(default_factory=list)
    emitted: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    waited: float = 0.0
    limited: float = 0.0  # when it began to wait for a limit
    held_back: float = 0.0
    parts: list[PartOf] = field(default_factory=list)
    asked_to_end: float | None = None
    abandoned: bool = False
    thread: int = field(default_factory=threading.get_ident)
    lock: threading.Lock = field(default_factory=threading.Lock)
