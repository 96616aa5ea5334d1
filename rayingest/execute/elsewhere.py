"""What all workers have written, told to each: whoever refers to it need not wait for the second wave."""

from collections import Counter
from collections.abc import Sequence

from rayingest.core.sink import identity
from rayingest.execute.events import Settled, Written
from rayingest.model import EntityType

MOST = 2_000  # entities of a type that are told; of more the second wave takes care


class Elsewhere:
    """The first entities that the sink took of each type that others come after, in the plan's order."""

    def __init__(self, types: Sequence[EntityType]) -> None:
        self._types = {each.value for each in types[:-1]}
        self._told: Counter[str] = Counter()
        self._names: list[str] = []
        self._heard: dict[int, int] = {}  # how many each worker knows

    def wrote(self, event: Settled) -> None:
        """Take what the sink said; what waits for the second wave has written something, too."""
        if not self._types:
            return
        for ended in event.results:
            self._note(ended.written)
        for waiting in event.deferred:
            self._note(waiting.written)

    def _note(self, written: Sequence[Written]) -> None:
        for each in written:
            if each.outcome == "refused" or each.type not in self._types:
                continue
            if self._told[each.type] < MOST:
                self._told[each.type] += 1
                self._names.append(identity(each.type, each.fqn))

    def news(self, worker: int) -> tuple[str, ...]:
        """Identities that this worker was not told yet."""
        known = self._heard.get(worker, 0)
        self._heard[worker] = len(self._names)
        return tuple(self._names[known:])
