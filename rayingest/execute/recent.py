"""Which entities a sink has taken from this process lately."""

from collections.abc import Iterable


class Recent:
    """The latest entities that the sink took from this process, at most 2 x `size` of them.

    A row whose references are all among them is written once, in full. Whoever is forgotten costs a
    second write, never an answer.
    """

    def __init__(self, size: int = 50_000) -> None:
        self._size = size
        self._young: set[str] = set()
        self._old: set[str] = set()

    def add(self, name: str) -> None:
        """Remember one."""
        self._young.add(name)
        if len(self._young) >= self._size:
            self._young, self._old = set(), self._young

    def issuperset(self, names: Iterable[str]) -> bool:
        """Whether all of them are remembered."""
        return all(name in self._young or name in self._old for name in names)
