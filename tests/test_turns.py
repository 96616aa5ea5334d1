"""Files whose tests ask for Ray come first and share one; it lives no longer than they need it."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from . import turns

PLAIN = "def test_plain(): pass"
ON_RAY = """
import pytest

@pytest.mark.ray
def test_on_ray(shared): assert shared == "1:1"

def test_beside_it(): pass
"""


class Told:
    """A plugin that keeps what happened; its Ray is none."""

    def __init__(self) -> None:
        self.happened: list[str] = []

    @contextmanager
    def start(self):
        self.happened.append("start")
        yield "1:1"
        self.happened.append("end")

    @pytest.fixture
    def shared(self, request):
        if turns.RAY not in request.config.stash:
            request.config.stash[turns.RAY] = turns.Shared(self.start)
        return request.config.stash[turns.RAY].address()

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "ray: as ours")

    def pytest_runtest_call(self, item):
        self.happened.append(item.path.stem.removeprefix("test_"))


@pytest.fixture
def ran(tmp_path: Path):
    """What happened when files of these names were run: texts by names."""

    def run(**files: str) -> list[str]:
        for name, text in files.items():
            (tmp_path / f"test_{name}.py").write_text(text)
        told = Told()
        alone = ["-p", "no:cacheprovider", "-c", "/dev/null", "--import-mode=importlib"]
        code = pytest.main(
            ["-q", *alone, "--rootdir", str(tmp_path.parent), str(tmp_path)], plugins=[told, turns]
        )
        assert code == 0
        return told.happened

    return run


def test_files_with_tests_of_ray_come_first_and_share_one(ran) -> None:
    happened = ran(a=PLAIN, b=ON_RAY, c=PLAIN, d=ON_RAY)

    assert happened == ["start", "b", "b", "d", "d", "end", "a", "c"]


def test_where_nobody_asks_none_is_started(ran) -> None:
    assert ran(a=PLAIN, b=PLAIN) == ["a", "b"]


def test_whoever_asks_again_after_its_end_gets_another() -> None:
    told = Told()
    shared = turns.Shared(told.start)
    assert shared.address() == shared.address() == "1:1"
    shared.end()
    shared.end()
    assert shared.address() == "1:1"
    shared.end()
    assert told.happened == ["start", "end", "start", "end"]


@pytest.mark.ray
def test_the_mark_is_what_the_order_goes_by(request: pytest.FixtureRequest) -> None:
    assert request.path in request.config.stash[turns.FILES]
