"""What each scope has and what became of it, counted as it happens, and what of that is to be recorded."""

from collections import Counter
from collections.abc import Iterable

from rayingest.core.source import EntityDescriptor, ScopeListed
from rayingest.execute.events import Deferred, Result, ScopeSettled
from rayingest.execute.listings import Listings
from rayingest.execute.replay import Replay
from rayingest.model import EntityType
from rayingest.state.ledger import Ledger

Scope = tuple[EntityType, str]


class Books:
    """The ledger, the members of every scope until it is settled, and the records of both, in order.

    Whoever records takes `news`, `ended` (type, scope, end), `deferred` and `settled`, and leaves
    them empty. `begun`: the source has begun work that is to be recorded before anything else is asked.
    """

    def __init__(self, listings: Listings) -> None:
        self.ledger = Ledger()
        self.news: list[tuple[object, ...]] = []
        self.ended: list[tuple[EntityType, str, Result]] = []
        self.deferred: list[tuple[EntityType, Deferred]] = []
        self.settled: list[ScopeSettled] = []
        self.begun = False
        self._listings = listings
        self._members: Counter[Scope] = Counter()
        self._badly: Counter[Scope] = Counter()
        self._listed: set[Scope] = set()  # scopes that are listed and not settled

    def go_on(self, before: Replay) -> None:
        """Take over what earlier attempts recorded."""
        self.ledger = before.ledger
        self._badly.update(before.badly)
        self._members.update((each.type, each.scope) for each in before.open.values())

    def go_on_listed(self, scopes: Iterable[Scope]) -> None:
        """Scopes that earlier attempts listed; whoever has no open member is settled."""
        for scope in scopes:
            self._listed.add(scope)
            self._maybe_settled(scope)

    @property
    def open(self) -> int:
        """Descriptors without an end."""
        ended = self.ledger.ended.values()
        return self.ledger.discovered.total() - sum(each.total() for each in ended)

    # --- what is found ---

    def found(self, numbers: Counter[Scope]) -> None:
        """So many members of each scope were found; their own news are the caller's."""
        for (kind, scope), number in numbers.items():
            self.ledger.discovered[kind.value] += number
            self._members[kind, scope] += number

    def dropped(self, numbers: Counter[EntityType]) -> None:
        """So many of each type are not among what the user selected."""
        for kind, number in numbers.items():
            self.ledger.filtered[kind.value] += number
            self.news.append(("dropped", kind, number))

    def listed(self, scope: ScopeListed) -> None:
        """A scope was listed to its end."""
        self.news.append(("listed", scope))
        self.ledger.filtered[scope.type.value] += scope.filtered
        self._listed.add((scope.type, scope.scope))
        self._maybe_settled((scope.type, scope.scope))

    # --- what is emitted, and how it ends ---

    def emitted(self, numbers: dict[str, int], *, sign: int = 1) -> None:
        """So many entities of each type go to the sink; with `sign` -1, they did not and come again."""
        for kind, number in numbers.items():
            self.ledger.emitted[kind] += sign * number

    def close(self, entity_type: EntityType, result: Result, scope: str) -> None:
        """A descriptor came to its end."""
        key = entity_type, scope
        self._members[key] -= 1
        self._badly[key] += result.status in ("failed", "quarantined")
        self._maybe_settled(key)
        self.ledger.end(entity_type, result.status)
        for each in result.written:
            self.ledger.answer(each.type, each.outcome)
        self.ended.append((entity_type, scope, result))

    def close_well(
        self, entity_type: EntityType, ended: list[tuple[EntityDescriptor, Result]]
    ) -> None:
        """What `close` does, for many at once that ended well: the common case."""
        scopes: Counter[str] = Counter()
        statuses: Counter[str] = Counter()
        answers: Counter[tuple[str, str]] = Counter()
        for item, result in ended:
            scopes[item.scope] += 1
            statuses[result.status] += 1
            for each in result.written:
                answers[each.type, each.outcome] += 1
            self.ended.append((entity_type, item.scope, result))
        for scope, number in scopes.items():
            self._members[entity_type, scope] -= number
            self._maybe_settled((entity_type, scope))
        for status, number in statuses.items():
            self.ledger.end(entity_type, status, number)
        for (kind, outcome), number in answers.items():
            self.ledger.answer(kind, outcome, number)

    def _maybe_settled(self, key: Scope) -> None:
        """A scope is settled when it was listed and every member has its end."""
        if key in self._listed and not self._members[key]:
            self._listed.discard(key)
            del self._members[key]
            complete = self._listings.scopes[key].complete
            self.settled.append(ScopeSettled(*key, self._badly.pop(key, 0), complete))
