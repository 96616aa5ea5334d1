"""The end of a test run says which grades it has shown, and why not the others."""

import datetime as dt
from pathlib import Path

import pytest

from rayingest.api.grades import gradings

from .renewals import NOT_RUN, lines, outcomes

GRADE = "test_the_grade_is_what_the_tests_show"
SOME = """
import pytest

@pytest.mark.parametrize("name", ["sqlite", "clickhouse", "duckdb", "mysql"])
def {grade}(name, request):
    if name == "clickhouse":
        pytest.skip("needs clickhouse-server")
    assert name != "duckdb"
    if name == "mysql":
        request.getfixturevalue("no_such_server")
"""


class Kept:
    """A plugin that keeps what pytest's own summary would be made of."""

    def pytest_terminal_summary(self, terminalreporter):
        self.stats = dict(terminalreporter.stats)


def ran(folder: Path, text: str):
    """What became of grades in real tests of these words."""
    folder.mkdir()
    (folder / "test_server.py").write_text(text)
    kept = Kept()
    alone = ["-p", "no:cacheprovider", "-c", "/dev/null", "--import-mode=importlib"]
    pytest.main(["-q", *alone, "--rootdir", str(folder.parent), str(folder)], plugins=[kept])
    return outcomes(kept.stats)


def test_a_grade_is_shown_skipped_or_failed(tmp_path):
    told = ran(tmp_path / "some", SOME.format(grade=GRADE))

    assert told == {
        "sqlite": "",
        "clickhouse": "needs clickhouse-server",
        "duckdb": "the test failed",
        "mysql": "the test failed",
    }


def test_a_product_with_tests_of_its_own_goes_by_its_folder(tmp_path):
    assert ran(tmp_path / "superset", f"def {GRADE}(): pass") == {"superset": ""}


def test_nothing_is_left_out_of_the_summary():
    told = {"sqlite": "", "clickhouse": "needs clickhouse-server"}

    first, *others = lines(told, dt.date(2020, 1, 1))

    assert first == "renewed: 1 (sqlite)"
    missing, unasked = others
    assert missing == "not renewed: clickhouse: needs clickhouse-server"
    assert unasked.endswith(NOT_RUN)
    assert "superset" in unasked
    assert len(unasked.split(",")) == len(gradings()) - 2


def test_results_of_long_ago_are_called_stale():
    *_, last = lines({"sqlite": ""}, dt.date(2100, 1, 1))

    assert last.startswith("stale, store them anew with --write-grades: athena, ")
