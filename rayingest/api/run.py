"""A run that has ended: its report, its failures, and what became of each entity."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from rayingest.core.source import EntityDescriptor
from rayingest.execute.events import Result, Why, Written
from rayingest.execute.report import Report
from rayingest.model import EntityType
from rayingest.state.run_directory import RunDirectory


@dataclass(frozen=True)
class EntityRecord:
    """What became of one entity in one run."""

    type: EntityType
    id: str
    status: str
    why: Why | None
    attempts: int
    written: tuple[Written, ...]
    descriptor: EntityDescriptor | None = None

    def __repr__(self) -> str:
        """One line."""
        because = f": {self.why.message}" if self.why else ""
        return f"<{self.type.value} {self.id} {self.status}{because}>"


@dataclass(frozen=True)
class Failure:
    """One entity that failed or was quarantined, and what to do about it."""

    type: EntityType
    id: str
    kind: str
    message: str
    hint: str | None

    def __repr__(self) -> str:
        """One line."""
        return f"<{self.type.value} {self.id}: {self.kind}: {self.message}>"


class Run:
    """A run that has ended."""

    def __init__(
        self, report: Report, directory: RunDirectory | None, *, finished_before: bool = False
    ) -> None:
        self.report = report
        self.directory = directory
        self.finished_before = finished_before
        self.preview: list[dict[str, Any]] = []

    def __repr__(self) -> str:
        """The verdict."""
        return f"<Run {self.report.run_id} {self.report.state}: {self.report.verdict}>"

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        from html import escape

        heads = ("discovered", "ok", "unchanged", "skipped", "failed", "quarantined")
        rows = "".join(
            f"<tr><td>{escape(kind)}</td>"
            + "".join(f"<td>{book[each]:,}</td>" for each in heads)
            + "</tr>"
            for kind, book in self.report.types.items()
        )
        head = "".join(f"<th>{each}</th>" for each in ("type", *heads))
        return f"<p><b>{escape(self.report.verdict)}</b></p><table><tr>{head}</tr>{rows}</table>"

    @property
    def id(self) -> str:
        """The run's id."""
        return self.report.run_id

    @property
    def ok(self) -> bool:
        """Whether everything arrived."""
        return self.report.state == "success"

    @property
    def failures(self) -> list[Failure]:
        """Every entity that failed or was quarantined."""
        return [
            Failure(each.type, each.id, each.why.kind, each.why.message, each.why.hint)
            for each in self.entities()
            if each.status in ("failed", "quarantined") and each.why is not None
        ]

    def entities(self) -> Iterator[EntityRecord]:
        """Every entity that came to an end, as the run's segments tell it."""
        for kind, record in self.records():
            if kind == "ended":
                entity_type, result = msgspec.convert(record, tuple[EntityType, Result])
                yield EntityRecord(
                    entity_type,
                    result.id,
                    result.status,
                    result.why,
                    result.attempts,
                    tuple(result.written),
                )

    def entity(self, entity_id: str) -> EntityRecord:
        """What became of one entity. Raises KeyError when this run has not seen it."""
        descriptor = None
        for kind, record in self.records():
            if kind == "opened" and record[0]["id"] == entity_id:
                descriptor = msgspec.convert(record[0], EntityDescriptor)
            elif kind == "ended" and record[1][0] == entity_id:
                entity_type, result = msgspec.convert(record, tuple[EntityType, Result])
                return EntityRecord(
                    entity_type,
                    result.id,
                    result.status,
                    result.why,
                    result.attempts,
                    tuple(result.written),
                    descriptor,
                )
        if descriptor is not None:
            return EntityRecord(descriptor.type, entity_id, "open", None, 0, (), descriptor)
        raise KeyError(f"{entity_id!r} is not in run {self.id}")

    def records(self) -> Iterator[tuple[str, list[Any]]]:
        """Everything that was recorded, in order: kind (`opened`, `listed`, `ended`, …) and values."""
        if self.directory is None:
            return
        for line in self.directory.records():
            kind, *rest = msgspec.json.decode(line)
            yield kind, rest
