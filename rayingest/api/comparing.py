"""`rayingest compare`: a shadow run against what another tool has filled a catalogue with; writes nothing."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rayingest import sinks
from rayingest.api.choices import options_of
from rayingest.api.comparison import Compared, Comparison, Tally
from rayingest.api.run import Run
from rayingest.api.wishes import Wishes
from rayingest.core import fqn, registry
from rayingest.core.sink import Catalogue
from rayingest.errors import ConfigError, RayingestError
from rayingest.execute.report import sentence
from rayingest.execute.snapshot import Snapshot
from rayingest.execute.start import drive
from rayingest.model import EntityType
from rayingest.sinks.differing import differences
from rayingest.sinks.shadow import Kept, Shadow
from rayingest.state import deletions
from rayingest.state.run_directory import RunDirectory, new_run_id
from rayingest.workflows.metadata import MetadataStage

if TYPE_CHECKING:
    from rayingest.config import Config

# Below which of its containers a type is listed at once; all others below the service.
_LISTED_IN = {
    EntityType.DATABASE_SCHEMA: EntityType.DATABASE,
    EntityType.TABLE: EntityType.DATABASE,
    EntityType.STORED_PROCEDURE: EntityType.DATABASE_SCHEMA,
}


def compare(
    config: "Config",
    asked: Wishes,
    *,
    tell: Callable[[dict[str, Any]], None] | None = None,
    observe: Callable[[Snapshot], None] | None = None,
    log: Callable[[str, str], None] | None = None,
) -> Comparison:
    """Describe everything, and hold it against what the catalogue has. Writes nothing.

    `tell` hears of every difference of every entity. Raises ConfigError where the sink cannot be read;
    what goes wrong at the source is in the result.
    """
    if MetadataStage.of(config).root() is None:
        raise ConfigError(
            f"{config.connector} writes lineage, and only entities can be compared.",
            hint="Compare the config of the metadata.",
        )
    with tempfile.TemporaryDirectory(prefix="rayingest-") as folder:
        path = str(Path(folder) / "rows.sqlite")
        shadow = Shadow(sinks.build(config), path)
        directory = RunDirectory(folder, config.service, new_run_id())
        directory.claim()
        options = replace(options_of(config, asked), dry_run=True)
        stage = MetadataStage.of(config, shadow)
        report = drive(stage, options, directory, observe=observe, log=log).run()
        run = Run(report, directory)
        comparer = Comparer(config, asked, run, tell)
        problem = None
        if report.state != "failed":
            with closing(Kept(path)) as kept, shadow.beside.open(dry_run=True) as session:
                if session.catalogue is None:
                    raise ConfigError(
                        f"The sink {config.sink.type} cannot be read, so nothing can be compared."
                    )
                try:
                    comparer.hold(kept, session.catalogue)
                except RayingestError as error:
                    problem = error
                report.calls["sink"] = report.calls.get("sink", 0) + session.calls
        return comparer.result(problem)


class Comparer:
    """Holds a shadow run against a catalogue."""

    def __init__(
        self,
        config: "Config",
        asked: Wishes,
        run: Run,
        tell: Callable[[dict[str, Any]], None] | None,
    ) -> None:
        self._config, self._run = config, run
        self._tell = tell or (lambda _: None)
        self._tally = Tally()
        self._connector = registry.load(config.connector)
        self._keeps = deletions.passing(config.settings.filters)
        self._part = bool(asked.select or asked.exclude)
        self._override = bool(getattr(config.options, "overrideMetadata", False))
        self._failed: set[tuple[EntityType, str]] = set()
        self._blind: tuple[str, ...] = ()
        self._renamed: list[tuple[str, str, str]] = []

    def hold(self, kept: Kept, catalogue: Catalogue) -> None:
        """Go through all that the catalogue has of the service. Raises SinkError."""
        report = self._run.report
        self._blind = tuple(each.partition(" in ")[2] for each in report.not_listed)
        self._failed = {
            (each.type, each.id)
            for each in self._run.entities()
            if each.status in ("failed", "quarantined")
        }
        for kind, there in self._walk(catalogue, kept):
            self._one(kind, there, kept)
        for kind, name in kept.unseen():
            counts = self._tally.of(kind)
            counts.here += 1
            counts.create += 1
            self._tally.create[kind, name] = None
        self._match()
        for kind, name in self._tally.create:
            self._tell({"type": kind.value, "fqn": name, "difference": "create"})
        for kind, name in self._tally.only:
            self._tell({"type": kind.value, "fqn": name, "difference": "onlyThere"})

    def _walk(
        self, catalogue: Catalogue, kept: Kept
    ) -> Iterator[tuple[EntityType, Mapping[str, Any]]]:
        """Every entity of the service that the catalogue has, containers first."""
        root = MetadataStage.of(self._config).service_described().descriptor
        held = catalogue.get(root.type, [root.id])
        if not held:
            return
        yield root.type, held[root.id]
        found: dict[EntityType, list[str]] = {}
        parents = set(_LISTED_IN.values())
        beside = (each for each in kept.types() if each is not root.type)  # charts
        for kind in dict.fromkeys((*self._connector.types, *beside)):
            for scope in found.get(_LISTED_IN.get(kind, kind), [root.id]):
                for each in catalogue.list(kind, scope, full=True):
                    if kind in parents:
                        found.setdefault(kind, []).append(str(each.get("fullyQualifiedName")))
                    yield kind, each

    def _one(self, kind: EntityType, there: Mapping[str, Any], kept: Kept) -> None:
        name = str(there.get("fullyQualifiedName"))
        counts = self._tally.of(kind)
        counts.there += 1
        body = kept.see(kind, name)
        if body is None:
            self._absent(kind, name, counts)
            return
        counts.here += 1
        found = list(differences(kind, msgspec.json.decode(body), there))
        counts.changed += bool(found)
        counts.same += not found
        for each in found:
            kept_there = each.edited and not self._override
            self._tally.differing(kind, name, each, kept=kept_there)
        if found:
            fields = [
                {"field": each.field, "how": each.how, "here": each.here, "there": each.there}
                for each in found
            ]
            told = {"type": kind.value, "fqn": name, "difference": "changed", "fields": fields}
            self._tell(told)

    def _absent(self, kind: EntityType, name: str, counts: Compared) -> None:
        """The catalogue has it, and this run has not."""
        if (kind, name) in self._failed or self._part or self._is_blind(name):
            counts.unknown += 1
        elif not self._passes(kind, name):
            counts.filtered += 1
        else:
            counts.only_there += 1
            self._tally.only[kind, name] = None

    def _is_blind(self, name: str) -> bool:
        """Whether it lies where the source could not be listed."""
        return any(name.startswith(f"{each}.") or each == "the source" for each in self._blind)

    def _passes(self, kind: EntityType, name: str) -> bool:
        """Whether today's filters keep it, and all that it lies in."""
        parts = fqn.split(name)
        levels = (EntityType.DATABASE, EntityType.DATABASE_SCHEMA)
        above = [
            (level, fqn.join(*parts[: depth + 2]))
            for depth, level in enumerate(levels)
            if depth + 2 < len(parts)
        ]
        return all(self._keeps(level, each) for level, each in [*above, (kind, name)])

    def _match(self) -> None:
        """Pair what we would create with what only the catalogue has, where it is likely one thing."""
        for alike in (_folded, _tail):
            there: dict[tuple[EntityType, str], list[str]] = {}
            for kind, name in self._tally.only:
                there.setdefault((kind, alike(name)), []).append(name)
            here: dict[tuple[EntityType, str], list[str]] = {}
            for kind, name in self._tally.create:
                here.setdefault((kind, alike(name)), []).append(name)
            for key, names in here.items():
                others = there.get(key, [])
                if len(names) == len(others) == 1:
                    self._rename(key[0], names[0], others[0])

    def _rename(self, kind: EntityType, here: str, there: str) -> None:
        self._renamed.append((kind.value, here, there))
        del self._tally.create[kind, here]
        del self._tally.only[kind, there]
        counts = self._tally.of(kind)
        counts.renamed += 1
        counts.create -= 1
        counts.only_there -= 1
        self._tell({"type": kind.value, "fqn": here, "difference": "renamed", "there": there})

    def result(self, problem: RayingestError | None) -> Comparison:
        """All that was found."""
        report, tally = self._run.report, self._tally
        failed = report.state == "failed" or problem is not None
        if problem is not None:
            verdict = f"Failed: {sentence(str(problem), problem.hint)}"
        elif failed and report.errors:
            verdict = f"Failed: {sentence(report.errors[0].message, report.errors[0].hint)}"
        else:
            verdict = _verdict(tally)
        groups = sorted(tally.groups.values(), key=lambda each: (each.kept, -each.count))
        return Comparison(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            service=self._config.service,
            sink=self._config.sink.type,
            state="failed" if failed else report.state,
            verdict=verdict,
            exit_code=report.exit_code if problem is None else 1,
            types=tally.types,
            fields=groups,
            create=[(kind.value, name) for kind, name in tally.create],
            only_there=[(kind.value, name) for kind, name in tally.only],
            renamed=self._renamed,
            errors=report.errors,
            not_listed=report.not_listed,
            calls=report.calls,
            warnings=list(self._config.warnings),
        )


def _verdict(tally: Tally) -> str:
    sums = {
        name: sum(getattr(each, name) for each in tally.types.values())
        for name in ("same", "changed", "create", "only_there", "renamed")
    }
    text = f"{sums['same']:,} the same, {sums['changed']:,} differ, {sums['create']:,} only here"
    text += f", {sums['only_there']:,} only in the catalogue"
    if sums["renamed"]:
        text += f", {sums['renamed']:,} under another FQN"
    return text + "."


def _folded(name: str) -> str:
    """An FQN without quotes, case and outer spaces."""
    return "\0".join(part.strip().casefold() for part in fqn.split(name))


def _tail(name: str) -> str:
    """The last two parts: the same table of the same schema in a database of another name."""
    return "\0".join(part.strip().casefold() for part in fqn.split(name)[-2:])
