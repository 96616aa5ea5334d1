"""Work that a tool does by itself: it is begun for many entities, asked after, and fetched when it is done.

What is known of a job stands in the metadata of the descriptors that wait for it, and nowhere else:
a resumed run asks after the same job, on any worker.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import msgspec

from rayingest.core.source import Described, EntityDescriptor, Failed, Pending, Processed
from rayingest.errors import (
    Gone,
    Permanent,
    RayingestError,
    Retryable,
    SourceError,
    Throttled,
    Unauthorised,
    Unreachable,
)

JOB, POLLS, LOST = (
    "job",
    "polls",
    "lost",
)  # which, how often it was asked after, how many came to nothing
STUMBLED = "stumbled"  # how often the tool failed for now when it was asked after this job
MOST_LOST, MOST_STUMBLED = 9, 5
Result = TypeVar("Result")


class JobFailed(Permanent):
    """The tool gave a job up; for several entities that may be the fault of one."""


@dataclass(frozen=True)
class Waits:
    """Seconds until a job is asked after: `first`, and each time twice as many up to `most`."""

    first: float
    most: float

    def after(self, polls: int) -> float:
        """Before the next time, after so many."""
        return min(self.most, self.first * 2.0 ** min(polls, 30))


@dataclass(frozen=True)
class Jobs(Generic[Result]):
    """How a tool's jobs go. No function remembers anything.

    `submit` begins one for up to `size` descriptors and answers its id. `done` says whether it is;
    raises JobFailed, or Gone when the tool knows it no more. `fetch` gets what came out; raises Gone.
    `describe` makes of that what one descriptor is.
    """

    submit: Callable[[Sequence[EntityDescriptor]], str]
    done: Callable[[str], bool]
    fetch: Callable[[str], Result]
    describe: Callable[[EntityDescriptor, Result], Described]
    size: int
    waits: Waits

    def process(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """An answer for each; `Pending` while its job is not done.

        Raises what ends the run, and, while there is no job, what is worth another try. All else is an
        answer: a call about a job that many wait for is not made once more for each of them.
        """
        groups: dict[tuple[str, str], list[EntityDescriptor]] = {}
        for each in descriptors:
            groups.setdefault((each.metadata.get(JOB, ""), each.batch), []).append(each)
        for (job, _), group in groups.items():
            if job:
                yield from self._followed(job, group)
                continue
            rest = iter(group)
            while part := [*islice(rest, self.size)]:
                yield from self._begun(part)

    def _begun(self, group: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        try:
            job = self.submit(group)
        except Throttled as error:  # it works on as much as it can: nobody's failure
            wait = self.waits.most if error.wait is None else error.wait
            yield from (Pending(each, each, wait) for each in group)
        except Permanent as error:
            yield from _apart(group, error, "")
        except SourceError as error:
            yield from _refused(group, error)
        else:
            wait = self.waits.after(0)
            yield from (Pending(each, _waiting(each, job), wait) for each in group)

    def _followed(self, job: str, group: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        try:
            result = [self.fetch(job)] if self.done(job) else []
        except JobFailed as error:
            yield from _apart(group, error, job)
        except Gone as error:
            yield from _anew(group, error, job)
        except (Retryable, Unreachable) as error:
            yield from self._stumbled(job, group, error)
        except SourceError as error:
            yield from _refused(group, error)
        else:
            for each in group:
                if result:
                    yield self._described(each, result[0])
                else:
                    polls = int(each.metadata.get(POLLS, "0")) + 1
                    yield Pending(each, _waiting(each, job, polls), self.waits.after(polls))

    def _stumbled(
        self, job: str, group: Sequence[EntityDescriptor], error: SourceError
    ) -> Iterator[Pending | Failed]:
        """Later once more: the job goes on, also while nobody can reach the tool, and nobody is to be asked for alone."""
        for each in group:
            polls = int(each.metadata.get(POLLS, "0")) + 1
            times = int(each.metadata.get(STUMBLED, "0")) + (not isinstance(error, Throttled))
            if times > MOST_STUMBLED:
                yield Failed(each, error)
                continue
            again = _waiting(each, job, polls)
            told = {**again.metadata, STUMBLED: str(times)}
            wait = getattr(error, "wait", None)
            yield Pending(
                each,
                msgspec.structs.replace(again, metadata=told),
                self.waits.after(polls) if wait is None else wait,
            )

    def _described(self, descriptor: EntityDescriptor, result: Result) -> Processed:
        try:
            return self.describe(descriptor, result)
        except RayingestError as error:
            return Failed(descriptor, error)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            missing = isinstance(error, KeyError)
            why = f"there is no {error}" if missing else f"{type(error).__name__}: {error}"
            return Failed(descriptor, Permanent(f"What came out is not understood: {why}."))


def _refused(group: Sequence[EntityDescriptor], error: SourceError) -> Iterator[Failed]:
    """What the tool says about the call, it says for all of them."""
    if isinstance(error, Retryable | Unauthorised | Unreachable):
        raise error
    yield from (Failed(each, error) for each in group)


def _apart(
    group: Sequence[EntityDescriptor], error: Permanent, job: str
) -> Iterator[Pending | Failed]:
    """Once more in halves, each with a job of its own, until the one to blame is alone.

    Nobody fails at the first job.
    """
    lost = min(int(each.metadata.get(LOST, "0")) for each in group)
    if len(group) == 1 and lost:
        yield Failed(group[0], error)
        return
    middle = (len(group) + 1) // 2
    for at, each in enumerate(group):
        half = f"{job or group[0].id}/{at // middle}"
        yield Pending(each, _afresh(each, half), 0.0)


def _anew(
    group: Sequence[EntityDescriptor], error: SourceError, job: str
) -> Iterator[Pending | Failed]:
    """Once more with a new job: tools keep what came out for a while only."""
    for each in group:
        if int(each.metadata.get(LOST, "0")) >= MOST_LOST:
            yield Failed(
                each, Permanent(f"{MOST_LOST} jobs came to nothing, the last one: {error}")
            )
        else:
            yield Pending(each, _afresh(each, job), 0.0)


def _waiting(descriptor: EntityDescriptor, job: str, polls: int = 0) -> EntityDescriptor:
    """Whoever has a job comes before those that have none: what came out is not kept for ever."""
    told = {**descriptor.metadata, JOB: job, POLLS: str(polls)}
    return msgspec.structs.replace(descriptor, batch=job, metadata=told, priority=1)


def _afresh(descriptor: EntityDescriptor, batch: str) -> EntityDescriptor:
    of_the_job = (JOB, POLLS, STUMBLED)
    kept = {key: each for key, each in descriptor.metadata.items() if key not in of_the_job}
    lost = int(kept.get(LOST, "0")) + 1
    told = {**kept, LOST: str(lost)}
    return msgspec.structs.replace(descriptor, batch=batch, metadata=told, priority=0)
