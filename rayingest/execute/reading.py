"""One thread's work on a chunk: the source is asked until each member has its end, or is on its way to the sink.

What the source does not answer is asked again, ever smaller.
"""

import math
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from rayingest.core.sink import Row
from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Failed,
    Pending,
    Processed,
    calls_of,
)
from rayingest.errors import (
    Gone,
    RayingestError,
    Retryable,
    SessionLost,
    Unauthorised,
    Unreachable,
)
from rayingest.execute.delivery import Delivery
from rayingest.execute.encoding import Encoder
from rayingest.execute.events import Later, PartOf, Result, RowsOf, Why, Written, why
from rayingest.execute.running import Running

FAULT = "This looks like a fault of the connector: please report it with this message."
NOT_ANSWERED = Why("NotAnswered", "the source gave no answer for this entity")


class Reading:
    """What comes of it is in the `Running`, or with the `delivery`, where there is one; any thread may ask."""

    def __init__(self, encoder: Encoder, delivery: Delivery | None) -> None:
        self._encoder = encoder
        self._delivery = delivery

    def work(self, run: Running) -> None:
        """Bring every member of the chunk to an answer, unless the thread is given up meanwhile."""
        if run.chunk.kind == "write":
            for described in run.chunk.described:
                self._write(run, described)
            return
        self._pass_over(run)
        if run.left:
            self._read(run, list(run.left.values()))

    def _write(self, run: Running, described: Described) -> None:
        try:
            self._answer(run, described)
        except Exception as error:  # noqa: BLE001 - what cannot be spelled must not cost its neighbours
            self._end(run, self._failure(described.descriptor, error))

    def _pass_over(self, run: Running) -> None:
        """What has not changed since it was described is not asked for."""
        known = run.chunk.known
        run.since = math.inf  # nobody is asked: if anybody holds us up, it is the sink
        for identity, written in (known.unchanged if known else {}).items():
            self._hand_on(run, identity, [], written, None)

    def _read(self, run: Running, items: list[EntityDescriptor], *, again: bool = True) -> None:
        try:
            for answer in self._ask(run, items):
                if run.abandoned:
                    return
                self._take(run, answer)
        except Exception as error:  # noqa: BLE001 - the one place where any source error becomes results
            self._raised(run, [each for each in items if each.id in run.left], error, again=again)
            return
        for each in items:
            if each.id in run.left:
                self._end(run, Result(each.id, "failed", NOT_ANSWERED))

    def _ask(self, run: Running, items: list[EntityDescriptor]) -> Iterator[Processed]:
        run.since, run.asked_to_end = time.monotonic(), None
        source = run.holder.get()
        before = calls_of(source)
        try:
            yield from source.process_entities(items)
        finally:
            run.calls += calls_of(source) - before

    def _raised(
        self, run: Running, items: list[EntityDescriptor], error: Exception, *, again: bool
    ) -> None:
        """The rest once more when that may help; else in halves, until a single one is to blame."""
        if run.asked_to_end is not None:  # we broke the call off: one of these is too slow
            run.holder.drop()
            for each in items:
                self._end(run, Result(each.id, "hung"))
        elif isinstance(error, Retryable | Unreachable):
            if isinstance(error, SessionLost):
                run.holder.drop()
            if again and not getattr(error, "wait", None):
                self._read(run, items, again=False)
            else:
                for each in items:
                    self._end(run, Result(each.id, "retry", why(error)))
        elif len(items) == 1 or isinstance(error, Unauthorised):
            for each in items:
                self._end(run, self._failure(each, error))
        else:
            middle = len(items) // 2
            self._read(run, items[:middle])
            if not run.abandoned:
                self._read(run, [each for each in items[middle:] if each.id in run.left])

    def _failure(self, item: EntityDescriptor, error: Exception) -> Result:
        if isinstance(error, Gone):
            return Result(item.id, "skipped", why(error))
        if isinstance(error, Retryable | Unreachable):
            return Result(item.id, "retry", why(error))
        return Result(item.id, "failed", _explain(error))

    def _take(self, run: Running, answer: Processed) -> None:
        run.since, run.asked_to_end = time.monotonic(), None
        if answer.descriptor.id not in run.left:
            return
        if isinstance(answer, Failed):
            self._end(run, self._failure(answer.descriptor, answer.error))
        elif isinstance(answer, Pending):
            self._pending(run, answer)
        else:
            self._answer(run, answer)

    def _pending(self, run: Running, answer: Pending) -> None:
        asked, again = answer.descriptor, answer.again
        if (asked.type, asked.id, asked.scope) != (again.type, again.id, again.scope):
            cause = Why("Permanent", f"the source wants to be asked for {again.id} instead", FAULT)
            self._end(run, Result(asked.id, "failed", cause))
            return
        with run.lock:
            if not run.abandoned and run.left.pop(asked.id, None) is not None:
                run.pending.append(Later(again, answer.wait))

    def _end(self, run: Running, result: Result) -> None:
        with run.lock:
            if not run.abandoned and run.left.pop(result.id, None) is not None:
                run.ended.append(result)

    def _answer(self, run: Running, described: Described) -> None:
        item = described.descriptor
        run.since = math.inf  # until the source is asked again, no time of its passes
        rows, done, cause = self._encoder.encode(described, run.chunk.known)
        with run.lock:
            if run.abandoned or item.id not in run.left:
                return
            run.children.extend(described.children)
            if described.parts:
                run.parts.append(PartOf(item.type, item.scope, item.id, list(described.parts)))
        self._hand_on(run, item.id, rows, done, cause, whole=described.whole)
        run.since = time.monotonic()

    def _hand_on(
        self,
        run: Running,
        identity: str,
        rows: list[Row],
        done: list[Written],
        cause: Why | None,
        *,
        whole: bool = False,
    ) -> None:
        """Give what is to be written, and what is there already, to whoever writes."""
        with run.lock:
            if run.abandoned or run.left.pop(identity, None) is None:
                return
            for kind in (*(row.type for row in rows), *(each.type for each in done)):
                run.emitted[kind] += 1
            if run.ticket is None:
                run.rows.append(RowsOf(identity, rows, done, cause, whole))
        if run.ticket is not None and self._delivery is not None:
            before = time.monotonic()
            self._delivery.add(run.ticket, identity, rows, done, cause, whole=whole)
            run.waited += time.monotonic() - before


def _explain(error: Exception) -> Why:
    """An error as data; one that no connector raises on purpose says where it happened."""
    said = why(error)
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, RayingestError) or not frames:
        return said
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return Why(
        said.kind,
        f"{said.message} (at {place})",
        FAULT,
    )
