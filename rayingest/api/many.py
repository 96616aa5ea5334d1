"""Several sources in one go: each with a run and a report of its own, none stopped by another's failure."""

import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass

from rayingest import sinks
from rayingest.api.holding import ECHO
from rayingest.api.job import Job
from rayingest.api.run import Run
from rayingest.api.wishes import Wishes
from rayingest.core.limits import Limit
from rayingest.core.sink import Placement
from rayingest.errors import ConfigError, RayingestError
from rayingest.execute.together import Together, together

# How bad an exit code is: all went well, in part, the config, stalled, failed, interrupted.
SEVERITY = (0, 3, 2, 4, 5, 1, 130)
ADDRESSES = ("hostPort", "host", "account", "databasePath", "databaseMode", "uri", "url")


@dataclass(eq=False)
class Source:
    """One config of several, and what became of it: a run, or an error that kept it from one."""

    name: str
    job: Job | None = None
    run: Run | None = None
    error: RayingestError | None = None

    @property
    def service(self) -> str:
        """The service, as far as the config could be read."""
        return self.job.config.service if self.job is not None else self.name

    @property
    def exit_code(self) -> int:
        """What it would have been alone; 130 when it never began."""
        if self.run is not None:
            return self.run.report.exit_code
        if self.error is not None:
            return 2 if isinstance(self.error, ConfigError) else 1
        return 130


@dataclass(frozen=True)
class Listener:
    """Who is told of each source that begins and ends, of log lines, and how often we were asked to stop."""

    began: Callable[[Source], None] = lambda _: None
    ended: Callable[[Source], None] = lambda _: None
    log: Callable[[str, str], None] = lambda _level, _text: None
    interrupted: Callable[[int], None] = lambda _: None


def run_many(
    sources: Sequence[Source],
    wishes: Callable[[Job], Wishes],
    *,
    jobs: int,
    listener: Listener | None = None,
) -> int:
    """Run up to `jobs` at once; the worst exit code.

    Sources at one host follow each other, so that its limits and sessions are never exceeded; so do
    those that write to one file. All share one Ray and one limit on calls to a sink.
    """
    told = listener or Listener()
    ready = [each for each in sources if _can_begin(each)]
    for each in sources:
        if each not in ready:
            told.ended(each)

    def begin(chosen: Sequence[Source], address: str | None) -> None:
        with together(_sink_limits(chosen), address) as shared, _signals(shared, told):
            _run_all(chosen, lambda each: _run_one(each, wishes, shared, told), shared, jobs)

    try:
        begin(ready, _address(ready))
    except RayingestError as error:  # Ray did not start, and nothing has begun
        for each in filter(_on_ray, ready):
            each.error = error
            told.ended(each)
        begin([each for each in ready if not _on_ray(each)], None)
    return worst(each.exit_code for each in sources)


def _can_begin(source: Source) -> bool:
    """Whether there is a job with a sink; what is wrong is the source's error."""
    if source.job is None:
        return False
    try:
        sinks.build(source.job.config)
    except RayingestError as error:
        source.error = error
        return False
    return True


def _on_ray(source: Source) -> bool:
    return source.job is not None and source.job.config.execution.engine == "ray"


def worst(codes: Iterable[int]) -> int:
    """The worst of some exit codes."""
    return max(codes, key=lambda each: SEVERITY.index(each) if each in SEVERITY else 5, default=0)


def _run_all(
    sources: Sequence[Source], run: Callable[[Source], None], shared: Together, jobs: int
) -> None:
    waiting = list(sources)
    running: dict[Future[None], set[str]] = {}
    with ThreadPoolExecutor(jobs, thread_name_prefix="source") as pool:
        while waiting or running:
            taken = set().union(*running.values())
            for each in list(waiting):
                keys = _keys(each)
                if len(running) < jobs and not taken & keys and not shared.stopping:
                    waiting.remove(each)
                    running[pool.submit(run, each)] = keys
                    taken |= keys
            if not running:  # stopped: what has not begun does not
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                del running[future]
                future.result()


def _run_one(
    source: Source, wishes: Callable[[Job], Wishes], shared: Together, listener: Listener
) -> None:
    assert source.job is not None  # noqa: S101 - only those are run
    try:
        listener.began(source)

        def log(level: str, text: str) -> None:
            listener.log(level, f"{source.service}: {text}")

        source.run = source.job.run(wishes(source.job), log=log, shared=shared)
    except RayingestError as error:
        source.error = error
    except Exception as error:  # noqa: BLE001 - one source's fault must not stop the others
        source.error = RayingestError(f"{type(error).__name__}: {error}")
    listener.ended(source)


def _keys(source: Source) -> set[str]:
    """What no two runs may use at the same time: a host, a service's runs, a file that is written."""
    assert source.job is not None  # noqa: S101 - only those are run
    config = source.job.config
    keys = {f"service {config.service}"}
    sink = sinks.build(config)
    if sink.placement is Placement.DRIVER:
        keys.add(f"sink {sink.identity}")
    found = (getattr(config.connection, each, None) for each in ADDRESSES)
    return keys | {f"{config.connector} {each}" for each in found if each}


def _sink_limits(sources: Iterable[Source]) -> list[Limit]:
    found: dict[str, Limit] = {}
    for each in sources:
        assert each.job is not None  # noqa: S101 - only those are run
        sink = sinks.build(each.job.config)
        if sink.placement is Placement.WORKER:
            limit = Limit(name=sink.identity, max_concurrency=sink.concurrency)
            found.setdefault(limit.name, limit)
    return list(found.values())


def _address(sources: Iterable[Source]) -> str | None:
    """The Ray that all of them use, if any does. Raises ConfigError for two of them."""
    found = {
        each.job.config.execution.address
        for each in sources
        if each.job is not None and _on_ray(each)
    }
    if len(found) > 1:
        raise ConfigError(
            f"The configs name several Ray clusters: {', '.join(sorted(found))}.",
            hint="One process joins one cluster: give --address, or run them apart.",
        )
    return next(iter(found), None)


@contextmanager
def _signals(shared: Together, listener: Listener) -> Generator[None]:
    """Ctrl-C or SIGTERM stops all runs. After Ray has started, which sets handlers of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    times, last = 0, -ECHO

    def interrupt(*_: object) -> None:
        nonlocal times, last
        now = time.monotonic()
        if now - last < ECHO:
            return
        times, last = times + 1, now
        # Not in the handler's own thread: it may have interrupted one that holds the lock.
        threading.Thread(target=shared.interrupt, daemon=True).start()
        listener.interrupted(times)

    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
