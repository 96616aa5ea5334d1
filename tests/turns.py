"""Which files of tests come first, and the one Ray that those share which ask for it.

A Ray takes five seconds of a processor to start and more while it is idle. So the files with tests of Ray
come first, one after another; whatever process runs them keeps one cluster as long as the next file is
one of them. What looks at the whole project comes next: no long test is left for the end, when the other
process has nothing to do any more. `.ci/run` keeps this order.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).parent


class Shared:
    """Started when it is first asked for, and again after it was ended."""

    def __init__(self, start: Callable[[], AbstractContextManager[str]]) -> None:
        self._start = start
        self._running = ExitStack()
        self._address: str | None = None

    def address(self) -> str:
        """HOST:PORT."""
        if self._address is None:
            self._address = self._running.enter_context(self._start())
        return self._address

    def end(self) -> None:
        """End it, if it runs."""
        self._running.close()
        self._address = None


RAY = pytest.StashKey[Shared]()
FILES = pytest.StashKey[set[Path]]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the files; within a file, and among files of a kind, everything stays as it is."""
    files = {each.path for each in items if each.get_closest_marker("ray")}
    config.stash[FILES] = files

    def turn(item: pytest.Item) -> int:
        return 0 if item.path in files else 1 if item.path.parent == ROOT else 2

    items.sort(key=turn)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """End the shared Ray when the next file has no use for it."""
    result = yield
    stash = item.config.stash
    if nextitem and nextitem.path not in stash[FILES] and RAY in stash:
        stash[RAY].end()
    return result
