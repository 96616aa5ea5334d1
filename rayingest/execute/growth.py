"""What a run asks of a cluster that is its own, and may grow: a core for every worker that there is work for.

Ray's autoscaler adds nodes for what is asked of Ray and not there. Workers are few and hold sessions, so
nothing waits for a core that it could see; it is told instead, and the engine adds workers as cores come.
https://docs.ray.io/en/latest/cluster/running-applications/autoscaling/reference.html
"""

from collections.abc import Callable

from rayingest.execute.snapshot import Snapshot

SLOTS_PER_ACTOR = 25  # descriptors at once that are worth a worker
ENDED = ("ok", "unchanged", "skipped", "failed", "quarantined")


class Growth:
    """Asks for cores as discovery finds work, `most` at most; what was asked for is kept until the end.

    The request is the cluster's only one, so this is for a cluster that nobody else uses.
    """

    def __init__(self, most: int, ask: Callable[[int], None]) -> None:
        self.most = most
        self._ask = ask
        self._asked = 0

    def note(self, snapshot: Snapshot) -> None:
        """Look at the run as it stands."""
        wanted = min(self.most, wanting(snapshot.types))
        if wanted > self._asked:
            self._asked = wanted
            self._ask(wanted)


def wanting(types: dict[str, dict[str, int]]) -> int:
    """So many workers there is work for, by the descriptors' books."""
    left = sum(
        book.get("discovered", 0) - sum(book.get(each, 0) for each in ENDED)
        for book in types.values()
    )
    return max(1, -(-left // SLOTS_PER_ACTOR))
