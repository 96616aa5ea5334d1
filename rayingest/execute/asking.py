"""Asking a sink until it says something about the rows, whatever else happens meanwhile.

What is about no row (it is down, our token has ended) is told and waited out; what it chokes on is halved.
"""

import threading
import time
from collections.abc import Callable, Sequence

from rayingest.core.limits import Limiter
from rayingest.core.sink import Answer, Row, SinkSession
from rayingest.errors import (
    ConfigError,
    RayingestError,
    SinkDown,
    SinkError,
    SinkUnauthorised,
)
from rayingest.execute.events import SinkState, why

PAUSES = (0.2, 5.0)  # seconds between questions to a sink that is down: first, longest


class Asking:
    """Several threads ask at once; `seconds` is the sum of what their calls took, until `closed`.

    `emit` hears SinkState of this `worker`. `limiter` bounds the calls of several runs to one `sink`.
    """

    def __init__(
        self,
        session: SinkSession,
        closed: threading.Event,
        emit: Callable[[SinkState], None],
        *,
        worker: int,
        limiter: Limiter,
        sink: str,
    ) -> None:
        self._session, self._closed = session, closed
        self._emit, self._worker = emit, worker
        self._limiter, self._sink = limiter, sink
        self.seconds = 0.0
        self._down = False

    def ask(self, rows: list[Row]) -> Sequence[Answer] | None:
        """Write until the sink says something about the rows; None when we were closed before."""
        pause = PAUSES[0]
        while True:
            started = time.perf_counter()
            try:
                with self._limiter.call(self._sink):
                    answers = self._session.write(rows[0].type, rows)
            except (SinkDown, SinkUnauthorised, ConfigError) as error:
                self._went_down(error)  # it is about no row: the driver waits, or gives up
            except Exception as error:  # noqa: BLE001 - a sink's own fault must not lose rows silently
                return self._doubtful(rows, error)
            else:
                self._came_back()
                if len(answers) == len(rows):
                    return answers
                wrong = f"the sink gave {len(answers)} answers for {len(rows)} rows"
                return self._doubtful(rows, SinkError(wrong))
            finally:
                self.seconds += time.perf_counter() - started
            if self._closed.wait(pause):
                return None
            pause = min(pause * 2, PAUSES[1])

    def _doubtful(self, rows: list[Row], error: Exception) -> Sequence[Answer] | None:
        """A batch that the sink choked on is bisected: the one bad row must not cost its neighbours."""
        if len(rows) == 1:
            said = why(error, "sink")
            return [Answer("refused", f"{said.kind}: {said.message}", said.hint)]
        middle = len(rows) // 2
        halves = self.ask(rows[:middle]), self.ask(rows[middle:])
        return None if halves[0] is None or halves[1] is None else [*halves[0], *halves[1]]

    def _went_down(self, error: RayingestError) -> None:
        self._down = True
        self._emit(SinkState(self._worker, why(error, "sink")))

    def _came_back(self) -> None:
        if self._down:
            self._down = False
            self._emit(SinkState(self._worker, None))
