"""Put a run together: which engine, how many slots, which limits, and where it is recorded."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rayingest.core.limits import Limit
from rayingest.core.sink import Placement
from rayingest.core.source import EntityDescriptor
from rayingest.errors import ConfigError, MissingDriver, Permanent, RayingestError
from rayingest.execute.bounding import Bounds
from rayingest.execute.deletion import Deleting, delete
from rayingest.execute.drive import Drive
from rayingest.execute.engine import Engine
from rayingest.execute.growth import SLOTS_PER_ACTOR
from rayingest.execute.knowing import Memory
from rayingest.execute.local import LocalEngine
from rayingest.execute.plan import Plan, RetryPolicy
from rayingest.execute.replay import replay
from rayingest.execute.scheduler import Scheduler
from rayingest.execute.snapshot import Snapshot
from rayingest.execute.surroundings import surroundings
from rayingest.execute.together import Together
from rayingest.state.run_directory import RunDirectory
from rayingest.workflows.stage import Opened, Stage, WorkerTask

LISTINGS_AT_ONCE = 4
APART = "{count} that were being read when the run died are read in a process of their own."


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a stage is run. Seconds; `keeps` drops descriptors that a user did not select.

    `resume` goes on from what the run directory holds; `memory` is what earlier runs know; `together`
    is what it shares with the runs of other sources; `grows`: the Ray cluster is the run's own, and may grow.
    """

    engine: str = "local"
    address: str = "local"
    parallelism: int = 1
    dry_run: bool = False
    call_timeout: float = 300.0
    job_timeout: float = 3600.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    bounds: Bounds = field(default_factory=Bounds)
    keeps: Callable[[EntityDescriptor], bool] | None = None
    limit: int | None = None
    only: tuple[EntityDescriptor, ...] = ()
    seed: int = 0
    resume: bool = False
    memory: Memory | None = None
    limits: tuple[Limit, ...] = ()
    together: Together | None = None
    grows: bool = False


def drive(
    stage: Stage,
    options: Options,
    directory: RunDirectory | None,
    *,
    observe: Callable[[Snapshot], None] | None = None,
    log: Callable[[str, str], None] | None = None,
    engine_of: Callable[[WorkerTask], Engine] | None = None,
    deleting: Deleting = delete,
) -> Drive:
    """Everything a run needs, ready for `.run()`. Raises ConfigError.

    `engine_of` makes another engine than `options` name, `deleting` sees what has vanished. A source
    that cannot be prepared is what the run's report says.
    """
    opened = stage.open(os.environ)
    context, unprepared = None, None
    try:
        context = _prepared(stage, opened)
    except ConfigError:
        raise
    except RayingestError as error:
        unprepared = error
    parallelism, _ = divided(options.parallelism, opened.connector.max_connections)
    task = WorkerTask(
        stage,
        context,
        options.dry_run,
        parallelism,
        opened.sink.concurrency,
        options.call_timeout,
        options.limits,
        options.together.limits if options.together else (),
        surroundings=surroundings(os.environ),
    )
    whole = _continued(plan(stage, opened, options, parallelism), options, directory)
    apart = len(whole.before.apart) if whole.before is not None else 0
    if apart and log is not None:
        log("info", APART.format(count=apart))
    return Drive(
        engine_of(task)
        if engine_of
        else engine(task, opened, options, parallelism, directory, apart=apart > 0),
        Scheduler(whole),
        opened,
        directory,
        bounds=options.bounds,
        dry_run=options.dry_run,
        memory=options.memory,
        deleting=deleting,
        unprepared=unprepared,
        observe=observe,
        log=log,
    )


def _continued(whole: Plan, options: Options, directory: RunDirectory | None) -> Plan:
    """The plan with what is recorded already. Raises StateError."""
    if not options.resume or directory is None:
        return whole
    parents = frozenset(whole.dependencies.values())
    if whole.root is not None:
        parents |= {whole.root.descriptor.type}
    before = replay(directory, parents)
    # On Ray whoever kills a worker is found out anyway.
    if options.engine == "local" and (flight := directory.flight()) is not None:
        before.apart = flight.left()
    return replace(whole, before=before)


def divided(parallelism: int, connections: int) -> tuple[int, int]:
    """Slots and listings at once: each holds a session, and together they never hold more than allowed."""
    kept = 2 if connections > LISTINGS_AT_ONCE else 1
    slots = max(1, min(parallelism, connections - kept))
    return slots, max(1, min(LISTINGS_AT_ONCE, slots, connections - slots))


def _prepared(stage: Stage, opened: Opened) -> object:
    """What the connector builds once per run. Raises RayingestError."""
    try:
        return opened.prepared()
    except RayingestError:
        raise
    except Exception as error:
        raise Permanent(
            f"{stage.name} could not be prepared: {type(error).__name__}: {error}",
            hint="Nothing was read or written. What is prepared is shared by the whole run.",
        ) from error


def plan(stage: Stage, opened: Opened, options: Options, parallelism: int) -> Plan:
    """What the scheduler must know of a connector."""
    connector = opened.connector
    whole = Plan(
        connector.types,
        connector.dependencies,
        connector.listed_by,
        connector.batching,
        stage.root(),
        parallelism=parallelism,
        listings_at_once=divided(options.parallelism, connector.max_connections)[1],
        replaceable=options.engine == "ray",
        retry=options.retry,
        keeps=options.keeps,
        limit=options.limit,
        seed=options.seed,
        job_timeout=options.job_timeout,
    )
    if options.only:
        return replace(whole, types=(), dependencies={}, root=None, given=options.only)
    return whole


def engine(
    task: WorkerTask,
    opened: Opened,
    options: Options,
    parallelism: int,
    directory: RunDirectory | None,
    *,
    apart: bool = False,
) -> Engine:
    """The engine that was asked for; importing ray only then. Raises MissingDriver."""
    if options.engine == "local":
        flight = directory.flight() if directory is not None else None
        return LocalEngine(task, options.together, flight, apart=apart)
    try:
        from rayingest.execute.ray_driver import RayEngine
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise MissingDriver("ray", "ray") from error
    return RayEngine(
        task,
        parallelism=parallelism,
        actors=-(-options.parallelism // SLOTS_PER_ACTOR),
        address=options.address,
        run_id=directory.run_id if directory else "",
        driver_sink=opened.sink.placement is Placement.DRIVER,
        dashboard=os.environ.get("RAYINGEST_RAY_DASHBOARD", "") not in ("", "0"),
        together=options.together,
        grows=options.grows,
    )
