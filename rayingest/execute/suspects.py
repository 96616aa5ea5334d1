"""Who kills workers: what a dead one held is asked for apart, in halves, until one is to blame."""

from collections import Counter, deque

from rayingest.core.source import EntityDescriptor
from rayingest.execute.events import Chunk, Why
from rayingest.model import EntityType

TWICE = 2  # deaths with nobody else there; the first may have been chance


class Suspects:
    """Chunks that a worker died of, in the order in which they are asked for again."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._deaths: Counter[tuple[EntityType, str]] = Counter()

    def __len__(self) -> int:
        """How many chunks wait for a worker of their own."""
        return len(self._chunks)

    def first(self, chunk: Chunk) -> None:
        """Put one back that nobody blames, before the others."""
        self._chunks.appendleft(chunk)

    def append(self, chunk: Chunk) -> None:
        """Put one at the end."""
        self._chunks.append(chunk)

    def take(self) -> Chunk:
        """The next one. Raises IndexError when there is none."""
        return self._chunks.popleft()

    def accuse(self, chunk: Chunk, left: list[EntityDescriptor], how: str) -> Why | None:
        """A worker died while it held `left`; why a single one of them is quarantined, if it is."""
        if not chunk.suspect:
            self._chunks.append(chunk.only(left, suspect=True))
            return None
        if len(left) > 1:
            middle = len(left) // 2
            for half in (left[middle:], left[:middle]):
                self._chunks.appendleft(chunk.only(half))
            return None
        key = left[0].type, left[0].id
        self._deaths[key] += 1
        if self._deaths[key] < TWICE:
            self._chunks.append(chunk.only(left))
            return None
        message = "the worker process died twice while it held only this entity"
        return Why(
            "WorkerDied",
            f"{message} ({how})" if how else message,
            "Look for what is special about it: `rayingest process CONFIG --entity ID` shows it alone.",
        )
