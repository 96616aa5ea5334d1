"""What has been listed: which listings run, which scopes are open, listed or could not be."""

from collections import Counter, deque
from dataclasses import dataclass, field

from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Listed,
    ScopeListed,
)
from rayingest.execute.events import Found, Listing, ListingEnded, Why, why
from rayingest.execute.replay import Replay
from rayingest.model import EntityType

ScopeKey = tuple[EntityType, str]
ListingKey = tuple[EntityType, str | None]


@dataclass
class ListingState:
    """One listing: its newest attempt and what that attempt has yielded per scope."""

    number: int
    yielded: Counter[ScopeKey] = field(default_factory=Counter)
    fresh: int = 0
    fruitless: int = 0
    ended: bool = False
    error: Why | None = None
    seconds: float = 0.0


class Listings:
    """All listings and scopes of a run.

    A listing that is lost and run again yields everything once more, in any order: the union by id
    counts, so ids of scopes that are still open are remembered.
    """

    def __init__(self) -> None:
        self.running: set[ListingKey] = set()
        self.scopes: dict[ScopeKey, ScopeListed] = {}
        self.disagreed: dict[ScopeKey, str] = {}
        self.seconds = 0.0
        self.calls = 0
        self._wanted: deque[Listing] = deque()
        self._states: dict[ListingKey, ListingState] = {}
        self._seen: dict[ScopeKey, set[str]] = {}

    def go_on(self, before: Replay) -> None:
        """Take over which scopes are listed, which listings are done, and which were asked for."""
        self.scopes.update(before.scopes)
        self._seen.update(before.seen)
        for key in before.done:
            self._states[key] = ListingState(1, ended=True)
        for listing in before.listings:
            self.want(listing)

    def want(self, listing: Listing) -> None:
        """Ask for a listing; a second wish for the same one changes nothing unless it is a retry."""
        state = self._states.get(listing.key)
        if state is not None and listing.number <= state.number:
            return
        fruitless = state.fruitless if state else 0
        self._states[listing.key] = ListingState(listing.number, fruitless=fruitless)
        self._wanted.append(listing)

    def start(self, at_once: int) -> list[Listing]:
        """Listings that may begin now."""
        begun = []
        while self._wanted and len(self.running) < at_once:
            listing = self._wanted.popleft()
            self.running.add(listing.key)
            begun.append(listing)
        return begun

    @property
    def idle(self) -> bool:
        """Whether no listing runs or waits."""
        return not self.running and not self._wanted

    @property
    def any_listed(self) -> bool:
        """Whether any listing came to its end."""
        return any(each.ended and each.error is None for each in self._states.values())

    def hear(self, event: Found) -> list[Listed] | None:
        """The items of a block that are new; None for a block of an attempt that was given up."""
        state = self._states.get(event.listing.key)
        if state is None or state.number != event.listing.number or state.ended:
            return None
        fresh: list[Listed] = []
        key: ScopeKey | None = None
        seen: set[str] | None = None
        for each in event.items:
            if type(each) is EntityDescriptor:
                descriptor = each
            elif type(each) is Described:
                descriptor = each.descriptor
            else:
                if not isinstance(each, ScopeListed) or self._close(state, each):
                    fresh.append(each)
                key = None
                continue
            # What is listed together mostly lies together: one look-up for a run of neighbours.
            if key is None or key[1] != descriptor.scope or key[0] is not descriptor.type:
                key = descriptor.type, descriptor.scope
                seen = None if key in self.scopes else self._seen.setdefault(key, set())
            state.yielded[key] += 1
            if seen is None:
                self._too_late(state, key)
            elif descriptor.id not in seen:
                seen.add(descriptor.id)
                fresh.append(each)
        state.fresh += len(fresh)
        return fresh

    def _too_late(self, state: ListingState, key: ScopeKey) -> None:
        """More than a closed scope's count cannot be taken any more, and is told."""
        end = self.scopes[key]
        if (came := state.yielded[key]) > end.count:
            self.disagreed[key] = f"the source counted {end.count}, {came} arrived"

    def _close(self, state: ListingState, end: ScopeListed) -> bool:
        key = end.type, end.scope
        if key in self.scopes:
            return False
        yielded = state.yielded[key]
        if yielded != end.count:
            self.disagreed[key] = f"the source counted {end.count}, {yielded} arrived"
            return False
        self.disagreed.pop(key, None)
        self.scopes[key] = end
        self._seen.pop(key, None)
        return True

    def well_ended(self, listing: Listing) -> bool:
        """Whether a listing returned by itself and the counts of all its scopes agree."""
        state = self._states.get(listing.key)
        if state is None or state.number != listing.number or not state.ended or state.error:
            return False
        return not any(key in self.disagreed for key in state.yielded)

    def ended(self, event: ListingEnded) -> Listing | None:
        """Note the end; the listing's next attempt when it did not succeed (or its counts disagree)."""
        state = self._states.get(event.listing.key)
        if state is None or state.number != event.listing.number or state.ended:
            return None
        self.running.discard(event.listing.key)
        state.ended = True
        self.seconds += event.seconds
        self.calls += event.calls
        if event.error is not None:
            state.error = why(event.error, "discovery")
        elif event.lost:
            state.error = Why(
                "WorkerDied", "the process that listed it died", None, None, "discovery"
            )
        else:
            return None
        state.fruitless = 0 if state.fresh and event.lost else state.fruitless + 1
        return Listing(event.listing.type, event.listing.scope, event.listing.number + 1)

    def may_retry(self, again: Listing, attempts: int) -> bool:
        """Whether another attempt makes sense: not after `attempts` in a row that brought nothing new."""
        state = self._states[again.key]
        return state.fruitless < attempts

    def unlisted(self) -> dict[str, Why]:
        """What could not be listed, and why: failed listings, and scopes that never got their end."""
        wrong: dict[str, Why] = {}
        for (kind, scope), state in self._states.items():
            if state.error is not None or not state.ended:
                reason = state.error or Why(
                    "Stopped", "the run ended before it was listed", None, None, "discovery"
                )
                wrong[f"{kind.value} in {scope or 'the source'}"] = reason
        for (kind, scope), text in self.disagreed.items():
            wrong[f"{kind.value} in {scope}"] = Why("CountsDisagree", text, None, None, "discovery")
        for (kind, scope), end in self.scopes.items():
            if not end.complete:
                wrong[f"{kind.value} in {scope}"] = Why(
                    "Incomplete", end.why or "the source gave only a part", None, None, "discovery"
                )
        return wrong
