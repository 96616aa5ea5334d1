"""The watch: a call that never returns must not hold the run."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from rayingest.execute.running import Running

GRACE = 2.0  # seconds between asking a call to end and giving its thread up


class Watch:
    """A thread that looks at what is read, asks calls over `timeout` seconds to end, and gives them up."""

    def __init__(
        self,
        timeout: float,
        current: Callable[[], list[Running]],
        give_up: Callable[[Running], None],
        closed: threading.Event,
    ) -> None:
        self._timeout, self._current, self._give_up = timeout, current, give_up
        self._closed = closed
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def _watch(self) -> None:
        pause = min(1.0, self._timeout / 4)
        while not self._closed.wait(pause):
            now = time.monotonic()
            for run in self._current():
                if now - run.since > self._timeout:
                    self._overdue(run, now)

    def _overdue(self, run: Running, now: float) -> None:
        cancel = getattr(run.holder.source, "cancel", None)
        if run.asked_to_end is None:
            run.asked_to_end = now
            if cancel is not None:
                with suppress(Exception):  # a courtesy; giving the thread up is the remedy
                    cancel()
                return
        if cancel is None or now - run.asked_to_end >= GRACE:
            self._give_up(run)
