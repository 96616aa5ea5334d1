"""What the whole state knows of an entity: what lies below it, and how much there is around it."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from rayingest.model import EntityType
from rayingest.state.settling import Candidate
from rayingest.state.shard import Head, Scope, name_of


@dataclass(frozen=True, slots=True)
class Below:
    """What lies below an entity, as far as is known; `unsure`: some of it could not be read."""

    scopes: frozenset[Scope] = frozenset()
    counts: Counter[str] = field(default_factory=Counter)
    unsure: bool = False


class Census:
    """What the whole state knows, at the end of a run and after all its commits.

    `members`: ids of the descriptors in scopes of types that are parents; a scope lies below the
    descriptor that its type depends on, and below every entity whose FQN its own name begins with.
    """

    def __init__(
        self,
        heads: Mapping[Scope, Head],
        members: Mapping[Scope, Collection[str]],
        dependencies: Mapping[EntityType, EntityType],
        unreadable: Collection[str] = (),
    ) -> None:
        self._heads, self._members, self._unreadable = heads, members, unreadable
        self._named: dict[str, list[Scope]] = defaultdict(list)
        for scope in heads:
            self._named[scope[1]].append(scope)
        self._names = sorted(self._named)
        self._children: dict[EntityType, list[EntityType]] = defaultdict(list)
        for child, parent in dependencies.items():
            self._children[parent].append(child)

    def below(self, candidate: Candidate) -> Below:
        """What goes with a candidate: of its descriptor, if it is what that stands for, and by name."""
        found = {*self._named.get(candidate.fqn, ()), *self._under(candidate.fqn)}
        starts = [(candidate.scope[0], candidate.id)]
        return self._sum(
            found, starts if candidate.type is candidate.scope[0] else (), candidate.scope
        )

    def around(self, scope: Scope) -> Counter[str]:
        """How many entities of each type are known in a scope and below it."""
        starts = [(scope[0], each) for each in self._members.get(scope, ())]
        below = self._sum(set(self._under(scope[1])), starts, scope)
        return Counter(self._heads[scope].counts if scope in self._heads else {}) + below.counts

    def _under(self, name: str) -> Iterable[Scope]:
        """Scopes whose names continue this FQN."""
        for at in range(bisect_left(self._names, f"{name}."), len(self._names)):
            if not self._names[at].startswith(f"{name}."):
                return
            yield from self._named[self._names[at]]

    def _sum(
        self, found: set[Scope], starts: Iterable[tuple[EntityType, str]], itself: Scope
    ) -> Below:
        """Add what the descriptors of the found scopes lead to, down to the last."""
        unsure = False
        todo = [*starts, *(member for scope in found for member in self._of(scope))]
        while todo:
            kind, identity = todo.pop()
            for child in self._children[kind]:
                scope = child, identity
                unsure = unsure or name_of(*scope) in self._unreadable
                if scope in self._heads and scope not in found:
                    found.add(scope)
                    todo += self._of(scope)
        found.discard(itself)
        counts: Counter[str] = Counter()
        for scope in found:
            counts.update(self._heads[scope].counts)
            unsure = unsure or name_of(*scope) in self._unreadable
        return Below(frozenset(found), counts, unsure)

    def _of(self, scope: Scope) -> Iterable[tuple[EntityType, str]]:
        return ((scope[0], each) for each in self._members.get(scope, ()))
