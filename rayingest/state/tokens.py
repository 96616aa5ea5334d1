"""What a source said of a thing when it was described: while it says the same, nothing is read again.

A change token is kept beside what its descriptor has written, with the day of the description. It counts
for a number of days: whatever no token tells of is read again after them.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from rayingest.state.packed import Stored

TOKEN = "token"  # noqa: S105 - a type of record, beside those of entities and facts


@dataclass(frozen=True, slots=True)
class Window:
    """How old a description may be that is still believed; `today` is the day of the run.

    `reader` is who looks, and how: another role or account may see something else of the same thing.
    """

    today: date
    days: int
    reader: str = ""

    def kept(self, identity: str, token: str) -> Stored:
        """The record of a description of today."""
        return Stored(TOKEN, identity, f"{self.today.isoformat()} {self._digest(token)}")

    def unchanged(self, written: Iterable[Stored], token: str) -> bool:
        """Whether this token was kept in time, beside entities whose content is known for each."""
        records = list(written)
        entities = [each for each in records if each.type != TOKEN]
        if not entities or not all(each.hash for each in entities):
            return False
        return any(self._holds(each, token) for each in records if each.type == TOKEN)

    def _holds(self, record: Stored, token: str) -> bool:
        day, _, digest = record.hash.partition(" ")
        return digest == self._digest(token) and self._recent(day)

    def _recent(self, day: str) -> bool:
        """A day that is still to come is one of a clock that was wrong."""
        try:
            age = self.today - date.fromisoformat(day)
        except ValueError:
            return False
        return timedelta(0) <= age < timedelta(self.days)

    def _digest(self, token: str) -> str:
        text = f"{self.reader} {token}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16).hexdigest()
