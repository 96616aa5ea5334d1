"""A connector that brings its own source."""

from typing import Any

import pytest
from pydantic import BaseModel

from rayingest.core.source import Batching, Settings
from rayingest.kit.custom import Custom
from rayingest.model import EntityType


class Session:
    """A source, as far as anybody looks."""

    def __init__(self, settings: Any, context: Any) -> None:
        self.given, self.closed = (settings, context), False

    def close(self) -> None:
        self.closed = True


CONNECTOR = Custom(
    service_type="Story",
    family="dashboard",
    connection=BaseModel,
    source=Session,  # type: ignore[arg-type] - it is opened and closed, and asked nothing
    prepare=lambda settings, catalogue: None,
    check=lambda settings: iter(()),
    batching=dict.fromkeys((EntityType.DASHBOARD_DATA_MODEL, EntityType.DASHBOARD), Batching(1, 5)),
    capabilities=frozenset(),
    lacks={},
)
SETTINGS: Settings = object()  # type: ignore[assignment] - handed on as it is


def test_its_source_gets_what_was_prepared_and_is_closed() -> None:
    with CONNECTOR.open(SETTINGS, "prepared") as source:
        assert isinstance(source, Session)
        assert source.given == (SETTINGS, "prepared")
        assert not source.closed
    assert source.closed


def test_its_source_is_closed_when_the_work_fails() -> None:
    opened: list[Any] = []

    def work() -> None:
        with CONNECTOR.open(SETTINGS) as source:
            opened.append(source)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert opened[0].closed


def test_its_types_are_those_that_it_batches_in_their_order() -> None:
    assert CONNECTOR.types == (EntityType.DASHBOARD_DATA_MODEL, EntityType.DASHBOARD)
