"""The FQNs a sink holds of one type, and how many of them lie below any other."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator


def above(fqn: str) -> Iterator[str]:
    """Every FQN that this one lies below.

    What ends in the middle of a quoted part is among them, and is nobody's FQN.
    """
    at = fqn.find(".")
    while at > 0:
        yield fqn[:at]
        at = fqn.find(".", at + 1)


class Names:
    """Live FQNs; not thread-safe: the caller holds a lock."""

    def __init__(self, fqns: Iterable[str]) -> None:
        self._live: set[str] = set()
        self._below: Counter[str] = Counter()
        self.add(fqns)

    def add(self, fqns: Iterable[str]) -> None:
        """These are there now."""
        for fqn in fqns:
            if fqn not in self._live:
                self._live.add(fqn)
                self._below.update(above(fqn))

    def remove(self, fqns: Iterable[str]) -> None:
        """These are not there any more."""
        for fqn in fqns:
            if fqn in self._live:
                self._live.remove(fqn)
                self._below.subtract(above(fqn))

    def present(self, fqns: Iterable[str]) -> list[str]:
        """Those of the FQNs that are there, each once."""
        return [fqn for fqn in dict.fromkeys(fqns) if fqn in self._live]

    def count(self, scope: str) -> int:
        """How many lie below an FQN; '' counts all."""
        return self._below[scope] if scope else len(self._live)

    def below(self, fqns: Collection[str]) -> list[str]:
        """Those that lie below any of the FQNs."""
        if not any(self._below[fqn] for fqn in fqns):
            return []
        scopes = set(fqns)
        return [fqn for fqn in self._live if not scopes.isdisjoint(above(fqn))]
