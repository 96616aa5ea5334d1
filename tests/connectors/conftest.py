"""Grades come out of test results: `pytest tests/connectors/test_conformance.py --write-grades`."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--write-grades", action="store_true", help="store what the tests showed")
    parser.addoption("--write-golden", action="store_true", help="store what connectors told")


@pytest.fixture(scope="session")
def write_grades(request):
    return request.config.getoption("--write-grades", default=False)
