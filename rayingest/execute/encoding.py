"""What a source described, as the rows that the sink will have."""

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from rayingest.core.sink import Row, SinkSession, identity
from rayingest.core.source import Described
from rayingest.errors import RayingestError, SinkDown, SinkUnauthorised
from rayingest.execute.events import KnownOf, Why, Written, why
from rayingest.model import USAGE, Entity, Fact, usage
from rayingest.state.usage import Told, counted

SINK_PAUSE = 1.0  # seconds between look-ups at a sink that is down


class Encoder:
    """Spells rows with a sink's session. `say` hears that the sink is down, and that it is back."""

    def __init__(
        self, session: SinkSession, say: Callable[[Why | None], None], closed: threading.Event
    ) -> None:
        self._session, self._say, self._closed = session, say, closed

    def encode(
        self, described: Described, known: KnownOf | None
    ) -> tuple[list[Row], list[Written], Why | None]:
        """Rows to write; what is done with already: refused for its spelling, or there as it is."""
        rows: list[Row] = []
        done: list[Written] = []
        cause: Why | None = None
        for entity in described.entities:
            try:
                rows.append(self._spelled(self._session.encode, entity))
            except RayingestError as error:
                cause = why(error, "sink")
                done.append(Written(entity.type.value, entity.fqn, "", "refused"))
        for fact in described.facts:
            try:
                if (row := self._fact(fact, known, done)) is not None:
                    rows.append(row)
            except RayingestError as error:
                cause = why(error, "sink")
                done.append(Written(fact.kind, fact.target_fqn, "", "refused"))
        if known is not None:
            there = [row for row in rows if known.has(row)]
            if there:
                rows = [row for row in rows if not known.has(row)]
                done += [Written(row.type, row.fqn, row.hash, "unchanged") for row in there]
            rows = [_with_known(row, known) if row.needs else row for row in rows]
        return rows, done, cause

    def _fact(self, fact: Fact, known: KnownOf | None, done: list[Written]) -> Row | None:
        """A row; of a total the day's uses, or only what is to be kept of it."""
        if (told := usage.told(fact)) is None:
            return self._spelled(self._session.encode_fact, fact)
        name = identity(fact.target_type.value, fact.target_fqn)
        if known is None or known.day is None:
            done.append(Written(USAGE, name, "", "unchanged"))
            return None
        before = Told.read(known.totals.get(name, ""))
        now = counted(before, known.day, *told)
        kept = name, str(now)
        if now.count is None or not now.sends(before):
            done.append(Written(USAGE, *kept, "unchanged"))
            return None
        uses = usage.uses(fact.target_type, fact.target_fqn, now.day, now.count)
        return msgspec.structs.replace(self._spelled(self._session.encode_fact, uses), kept=kept)

    def _spelled(self, encode: Callable[[Any], Row], what: Entity | Fact) -> Row:
        """One row; a sink that has to be asked for it (who is this owner?) is waited for."""
        was_down = False
        while True:
            try:
                row = encode(what)
            except (SinkDown, SinkUnauthorised) as error:
                was_down = True
                self._say(why(error, "sink"))
                if self._closed.wait(SINK_PAUSE):
                    raise
            else:
                if was_down:
                    self._say(None)
                return row


def _with_known(row: Row, known: KnownOf) -> Row:
    older = known.hash(row)
    return msgspec.structs.replace(row, known=older) if older else row
