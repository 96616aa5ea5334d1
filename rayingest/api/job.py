"""A config made ready: discover, check, run, or process a few entities of it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from rayingest import sinks
from rayingest.api import continuing, finding, plans
from rayingest.api.choices import options_of
from rayingest.api.comparison import Comparison
from rayingest.api.continuing import Beginning, Origin
from rayingest.api.holding import claimed, interruptible
from rayingest.api.plans import Plan
from rayingest.api.remembering import known_state, memory
from rayingest.api.retrying import Again
from rayingest.api.run import Run
from rayingest.api.wishes import Wishes, selection
from rayingest.config import Config, ExecutionMode
from rayingest.config import load as load_config
from rayingest.core import registry
from rayingest.core.filters import Verdict
from rayingest.core.sink import Sink
from rayingest.core.source import (
    CheckResult,
    Described,
    EntityDescriptor,
    ScopeListed,
)
from rayingest.errors import ConfigError, RayingestError, StateError
from rayingest.execute.report import Report
from rayingest.execute.snapshot import Snapshot
from rayingest.execute.start import drive
from rayingest.execute.together import Together
from rayingest.model import EntityType
from rayingest.state.known import KnownState
from rayingest.state.run_directory import RunDirectory, default_url, new_run_id
from rayingest.workflows.metadata import MetadataStage

SAMPLE = 50  # entities that a plan describes to measure
NO_FLAGS: Mapping[str, object] = {}


def load(
    source: str | Path,
    *,
    overlays: Iterable[str | Path] = (),
    sets: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] = NO_FLAGS,
) -> "Job":
    """Read a config file. Raises ConfigErrors with everything that is wrong with it."""
    overlays, sets = list(overlays), list(sets)
    config = load_config(source, overlays=overlays, sets=sets, environ=environ, flags=flags)
    return Job(config, origin=Origin.of(source, overlays, sets, flags)).possible()


@dataclass(frozen=True)
class Job:
    """One config that can be run."""

    config: Config
    messages: list[str] = field(default_factory=list, compare=False)
    origin: Origin = field(default_factory=Origin, compare=False)

    def __repr__(self) -> str:
        """What is read and where it is written."""
        config = self.config
        return f"<Job {config.connector}:{config.service} -> {config.sink.type}, {config.execution.mode.value}>"

    def possible(self) -> "Job":
        """This job as it can be run: a file on this machine is not read by workers elsewhere."""
        execution = self.config.execution
        elsewhere = execution.engine == "ray" and execution.address != "local"
        if not elsewhere or not registry.load(self.config.connector).local:
            return self
        here = replace(execution, engine="local", mode=ExecutionMode.SEQUENTIAL, parallelism=1)
        message = (
            f"Source {self.config.connector} does not support distributed execution. "
            "Falling back to sequential mode."
        )
        return replace(
            self, config=replace(self.config, execution=here), messages=[*self.messages, message]
        )

    # --- looking ---

    def check(self) -> Iterator[tuple[str, CheckResult]]:
        """Try source and sink: ("source" or "sink", result)."""
        try:
            job = self.connected()
        except ConfigError:
            raise
        except RayingestError as error:
            yield "sink", CheckResult("sink", "failed", str(error), error.hint)
            return
        connector = registry.load(job.config.connector)
        yield from _tried("source", lambda: connector.check(job.config.settings))
        yield from _tried("sink", lambda: sinks.build(job.config).check())

    def discover(
        self,
        entity_type: EntityType | None = None,
        limit: int | None = None,
        *,
        unlisted: Callable[[ScopeListed], None] | None = None,
    ) -> Iterator[EntityDescriptor]:
        """What exists, as descriptors, in this process; `unlisted` hears of incomplete listings."""
        if limit is not None and limit <= 0:
            return
        job = self.connected()
        found = 0
        for item in job.listing():
            if isinstance(item, ScopeListed) and not item.complete and unlisted is not None:
                unlisted(item)
            descriptor = item.descriptor if isinstance(item, Described) else item
            if isinstance(descriptor, EntityDescriptor) and entity_type in (None, descriptor.type):
                yield descriptor
                found += 1
                if found == limit:
                    return

    def listing(self) -> Iterator[object]:
        """Everything that discovery yields, listing after listing."""
        return finding.listing(self.config)

    def find(self, names: Sequence[str]) -> list[EntityDescriptor]:
        """Descriptors by FQN, with or without the service's name. Raises ConfigError for unknown ones."""
        return finding.find(self.config, names, self.discover())

    def explain(self, name: str) -> list[tuple[EntityType, Verdict]]:
        """Which filter keeps or drops a name (bare, or an FQN with or without the service)."""
        return finding.explain(self.config, name)

    def plan(
        self,
        wishes: Wishes | None = None,
        *,
        sample: int = SAMPLE,
        parallelism: Sequence[int] = (),
        log: Callable[[str, str], None] | None = None,
        **more: Any,
    ) -> Plan:
        """What `run` would do, and how long that would take: see `planning.make`. Writes nothing.

        `sample` entities are described to measure; `parallelism`: which ones to estimate. Keyword
        arguments are those of `Wishes`. Raises ConfigError.
        """
        from rayingest.api import planning

        asked = replace(wishes or Wishes(), **more)
        self.refuse_untested(asked)
        config = self.connected().config
        return planning.make(config, asked, sample=sample, parallelism=parallelism, log=log)

    def compare(
        self,
        wishes: Wishes | None = None,
        *,
        tell: Callable[[dict[str, Any]], None] | None = None,
        observe: Callable[[Snapshot], None] | None = None,
        log: Callable[[str, str], None] | None = None,
        **more: Any,
    ) -> Comparison:
        """Describe everything, and hold it against what the sink has: see `comparing.compare`.

        Writes nothing. `tell` hears of every difference of every entity. Keyword arguments are those of
        `Wishes`. Raises ConfigError.
        """
        from rayingest.api import comparing

        asked = replace(wishes or Wishes(), **more)
        self.refuse_untested(asked)
        config = self.connected().config
        return comparing.compare(config, asked, tell=tell, observe=observe, log=log)

    # --- running ---

    def connected(self) -> "Job":
        """This job with its connection, read from the catalogue when the config has none."""
        config = self.config
        if config.connection is not None:
            return self
        from rayingest.sinks.openmetadata.catalogue import OpenMetadataCatalogue
        from rayingest.sinks.openmetadata.client import Client
        from rayingest.sinks.openmetadata.settings import server as settings

        with Client(settings(config.server, config.service)) as client:
            kind = MetadataStage.of(config).service_described().descriptor.type
            stored = OpenMetadataCatalogue(client).service_connection(kind, config.service)
        return replace(self, config=config.with_connection(stored))

    def run(
        self,
        wishes: Wishes | None = None,
        *,
        observe: Callable[[Snapshot], None] | None = None,
        log: Callable[[str, str], None] | None = None,
        interrupted: Callable[[int], None] | None = None,
        shared: Together | None = None,
        **more: Any,
    ) -> Run:
        """Discover, describe, write. Keyword arguments are those of `Wishes`.

        `interrupted` is told, by a signal handler, how often the run was asked to stop; `shared` is what
        the runs of several sources have in common.
        Raises ConfigError; whatever goes wrong later is in the report.
        """
        asked = replace(wishes or Wishes(), **more)
        self.refuse_untested(asked)
        if launched := self.config.execution.launched:
            raise ConfigError(
                f"The orchestrator {launched} takes this config to Kubernetes; it does not run here.",
                hint="`rayingest run` or `rayingest submit` takes it there; engine='ray' or 'local' runs it here.",
            )
        if asked.plan is not None:
            plans.held_to(asked.plan, self.config)
        return self.connected()._run(asked, (), observe, log, interrupted, shared=shared)  # noqa: SLF001 - our own

    def process(
        self,
        entities: Sequence[EntityDescriptor],
        wishes: Wishes | None = None,
        *,
        log: Callable[[str, str], None] | None = None,
        interrupted: Callable[[int], None] | None = None,
        **more: Any,
    ) -> Run:
        """Describe and write just these, in this process."""
        asked = replace(wishes or Wishes(), **more)
        return self.connected()._run(asked, tuple(entities), None, log, interrupted)  # noqa: SLF001

    def run_directory(self, run_id: str | None = None) -> RunDirectory:
        """Where a run is recorded; without an id that of the config, or a new one.

        A config may keep its `pipelineRunId` for ever: where that run has ended, another begins.
        """
        place = self.config.execution.state_url or default_url()
        if run_id is None and (told := self.config.pipeline_run_id):
            directory = RunDirectory(place, self.config.service, told)
            if continuing.finished(directory) is None:
                return directory
        return RunDirectory(place, self.config.service, run_id or new_run_id())

    def refuse_untested(self, asked: Wishes) -> None:
        """Connectors that nobody has tried need the user's word. Raises ConfigError."""
        from rayingest.api.grades import grade_of

        if grade_of(self.config.connector) == "declared" and not asked.allow_untested:
            raise ConfigError(
                f"The connector {self.config.connector!r} is declared only: nothing of its vendor's has judged it.",
                hint="Run with --allow-untested if you want to be the first, and tell us how it went.",
            )

    def _run(
        self,
        asked: Wishes,
        only: tuple[EntityDescriptor, ...],
        observe: Callable[[Snapshot], None] | None,
        log: Callable[[str, str], None] | None,
        interrupted: Callable[[int], None] | None = None,
        *,
        shared: Together | None = None,
    ) -> Run:
        config = self.config
        sink: Sink | None = None
        if asked.preview is not None:
            from rayingest.sinks.memory import Memory

            sink = Memory(name=f"preview-{new_run_id()}")
        stage = MetadataStage.of(config, sink)
        directory = self.run_directory(asked.run_id)
        beginning = self._beginning(asked, directory, few=bool(only))
        before, changed = continuing.read(directory), False
        if before is not None:
            if (ended := continuing.finished(directory)) is not None:
                return Run(ended, directory, finished_before=True)
            changed = not continuing.agree(
                before, beginning, accept_change=asked.accept_config_change
            )
            if asked.plan is None:  # what a run was begun with holds until its end
                beginning = msgspec.structs.replace(beginning, planned=before.planned)
        keeps = selection(config.service, asked.select, asked.exclude)
        again = Again(asked.again, keeps) if asked.again is not None else None
        options = replace(
            options_of(config, asked, few=bool(only)),
            dry_run=asked.dry_run and sink is None,
            keeps=again or keeps,
            together=shared,
            limit=asked.preview,
            only=only,
            resume=before is not None,
        )
        if not asked.dry_run and sink is None:
            few = bool(only)
            known = memory(config, asked, directory.run_id, few=few, changed=changed)
            if beginning.planned is not None:
                known = replace(known, planned=frozenset(beginning.planned))
            options = replace(options, memory=known)
        writes = not (options.dry_run or sink is not None or only)
        with claimed(directory, take_over=asked.take_over), ExitStack() as stack:
            if before is None:
                continuing.write(directory, beginning)
            reporter = None
            if writes and config.ingestion_pipeline_fqn and config.server is not None:
                # Only then: its HTTP client takes a tenth of a second to import.
                from rayingest.api.pipeline import reporting

                reporter = stack.enter_context(reporting(config, directory.run_id))
            seen_by = [each for each in (observe, reporter and reporter.observe) if each]
            driver = drive(stage, options, directory, observe=_all(seen_by), log=log)
            with interruptible(driver, interrupted, shared):
                report = driver.run()
            if reporter is not None:
                reporter.finish(report)
            return self._finished(report, directory, asked, sink, again)

    def _beginning(self, asked: Wishes, directory: RunDirectory, *, few: bool) -> Beginning:
        """What is to be recorded of a run that begins now."""
        again = asked.again
        return Beginning(
            run_id=directory.run_id,
            kind="retry" if again is not None else "process" if few else "run",
            origin=self.origin,
            relevant=continuing.plain(self.config.relevant()),
            select=tuple(asked.select),
            exclude=tuple(asked.exclude),
            dry_run=asked.dry_run,
            preview=asked.preview is not None,
            parent=again.url if again is not None else None,
            planned=tuple(asked.plan.delete) if asked.plan is not None else None,
        )

    def known(self) -> KnownState:
        """What is known of this config's service in its sink. Raises ConfigError, StateError."""
        return known_state(self.config)

    def _finished(
        self,
        report: Report,
        directory: RunDirectory,
        asked: Wishes,
        sink: Any,
        again: Again | None,
    ) -> Run:
        if asked.partial_ok and report.exit_code == 3:
            report.exit_code = 0
        report.dry_run = asked.dry_run or asked.preview is not None
        report.parent = asked.again.run_id if asked.again else None
        report.warnings = [*self.config.warnings, *self.messages]
        if asked.plan is not None and not report.resumable:
            found = {kind: book["discovered"] for kind, book in report.types.items()}
            if told := asked.plan.differences(found):
                report.warnings.append(f"Found since the plan was made: {', '.join(told)}.")
        if again is not None:
            if not report.not_listed and not report.resumable:
                with suppress(StateError):  # a sentence is not worth the report
                    report.warnings += again.vanished(directory)
        elif (
            (hint := finding.zero_hint(self.config, report))
            and report.state == "success"
            and not asked.preview
        ):
            report.warnings.append(hint)
        with suppress(StateError):  # the run has said so already
            directory.put_report(report.to_json())
        run = Run(report, directory)
        if sink is not None:
            run.preview = [
                {"entityType": kind, **body}
                for kind in (each.value for each in EntityType)
                for body in sink.store.entities(kind).values()
            ]
        return run


def _all(observers: Sequence[Callable[[Snapshot], None]]) -> Callable[[Snapshot], None]:
    """Let everybody see every snapshot."""

    def observe(snapshot: Snapshot) -> None:
        for each in observers:
            each(snapshot)

    return observe


def _tried(
    part: str, check: Callable[[], Iterator[CheckResult]]
) -> Iterator[tuple[str, CheckResult]]:
    """The results of one side; an error is a result too, and the other side is tried all the same."""
    try:
        for result in check():
            yield part, result
    except RayingestError as error:
        yield part, CheckResult(part, "failed", str(error), error.hint)


def state_home() -> str:
    """Where state goes by default, for messages."""
    return os.path.expanduser(default_url())  # noqa: PTH111 - may be a URL
