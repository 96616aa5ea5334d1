"""A store whose changes stay in memory: to find out what a run would do, and leave no trace."""

import time

from rayingest.state.store import Store


class Overlay:
    """Reads from a store, writes beside it; see Store."""

    def __init__(self, below: Store) -> None:
        self._below = below
        self._written: dict[str, tuple[bytes, float]] = {}
        self._deleted: set[str] = set()

    @property
    def url(self) -> str:
        """See Store."""
        return self._below.url

    def put(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
        """See Store."""
        if exclusive and self.exists(name):
            raise FileExistsError(name)
        self._written[name] = data, time.time()
        self._deleted.discard(name)

    def get(self, name: str) -> bytes:
        """See Store."""
        if name in self._written:
            return self._written[name][0]
        if name in self._deleted:
            raise FileNotFoundError(name)
        return self._below.get(name)

    def exists(self, name: str) -> bool:
        """See Store."""
        return name in self._written or (name not in self._deleted and self._below.exists(name))

    def modified(self, name: str) -> float:
        """See Store."""
        if name in self._written:
            return self._written[name][1]
        if name in self._deleted:
            raise FileNotFoundError(name)
        return self._below.modified(name)

    def delete(self, name: str) -> None:
        """See Store."""
        self._written.pop(name, None)
        self._deleted.add(name)

    def names(self, prefix: str = "") -> list[str]:
        """See Store."""
        return list(self.times(prefix))

    def times(self, prefix: str = "") -> dict[str, float]:
        """See Store."""
        found = {
            name: when
            for name, when in self._below.times(prefix).items()
            if name not in self._deleted
        }
        within = f"{prefix.rstrip('/')}/" if prefix else ""
        found |= {
            name: when for name, (_, when) in self._written.items() if name.startswith(within)
        }
        return dict(sorted(found.items()))
