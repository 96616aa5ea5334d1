"""Work that a tool does by itself: begun once for many, asked after ever more rarely, apart when it fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from rayingest.core.source import Described, EntityDescriptor, Failed, Pending, Processed
from rayingest.errors import (
    Denied,
    Gone,
    Permanent,
    Retryable,
    Throttled,
    Unauthorised,
    Unreachable,
)
from rayingest.kit.rest.jobs import JOB, LOST, MOST_LOST, MOST_STUMBLED, JobFailed, Jobs, Waits
from rayingest.model import EntityType

Asked = Sequence[EntityDescriptor]


@dataclass
class Tool:
    """A tool with jobs that are done when they were asked after `polls` times; one never ends well."""

    polls: int = 1
    poison: str = ""
    begun: list[list[str]] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    refuse: Callable[[], Exception | None] = lambda: None
    gone: set[str] = field(default_factory=set)
    stumbles: list[Exception] = field(default_factory=list)

    def submit(self, descriptors: Asked) -> str:
        if (error := self.refuse()) is not None:
            raise error
        self.begun.append([each.id for each in descriptors])
        return f"job{len(self.begun)}"

    def done(self, job: str) -> bool:
        self.asked[job] = self.asked.get(job, 0) + 1
        if self.stumbles:
            raise self.stumbles.pop()
        if self.asked[job] <= self.polls:
            return False
        if self.poison in self.begun[int(job[3:]) - 1]:
            raise JobFailed("given up")
        return True

    def fetch(self, job: str) -> Mapping[str, str]:
        self.fetched.append(job)
        if job in self.gone:
            raise Gone("not kept")
        return {each: each.upper() for each in self.begun[int(job[3:]) - 1] if each != "untold"}

    def describe(self, descriptor: EntityDescriptor, told: Mapping[str, str]) -> Described:
        assert told[descriptor.id]
        return Described(descriptor, ())

    def jobs(self, size: int = 100) -> "Jobs[Mapping[str, str]]":
        return Jobs(self.submit, self.done, self.fetch, self.describe, size, Waits(5.0, 60.0))


def descriptors(*names: str) -> list[EntityDescriptor]:
    return [EntityDescriptor(EntityType.CONTAINER, each, "all", metadata={"own": "kept"}) for each in names]  # fmt: skip


def run(tool: Tool, asked: Asked, size: int = 100) -> dict[str, Processed]:
    """All answers in the end, each batch asked by itself, on a session of its own."""
    ends: dict[str, Processed] = {}
    chunks = [list(asked)]
    while chunks:
        again: dict[str, list[EntityDescriptor]] = {}
        for answer in tool.jobs(size).process(chunks.pop(0)):
            if isinstance(answer, Pending):
                travelled = msgspec.json.decode(
                    msgspec.json.encode(answer.again), type=EntityDescriptor
                )
                again.setdefault(travelled.batch, []).append(travelled)
            else:
                ends[answer.descriptor.id] = answer
        chunks += again.values()
    return ends


def ended(answers: Mapping[str, Processed]) -> dict[str, str]:
    return {key: type(each).__name__ for key, each in answers.items()}


def test_one_job_serves_many_and_is_fetched_once() -> None:
    tool = Tool(polls=3)
    assert ended(run(tool, descriptors("a", "b", "c"))) == dict.fromkeys("abc", "Described")
    assert (tool.begun, tool.asked, tool.fetched) == ([["a", "b", "c"]], {"job1": 4}, ["job1"])


def test_no_job_is_larger_than_it_may_be() -> None:
    tool = Tool()
    run(tool, descriptors(*"abcde"), size=2)
    assert tool.begun == [["a", "b"], ["c", "d"], ["e"]]


def test_waits_grow_up_to_the_longest() -> None:
    waits = Waits(5.0, 60.0)
    assert [waits.after(each) for each in range(6)] == [5, 10, 20, 40, 60, 60]
    assert waits.after(10**9) == 60


def test_what_is_known_of_a_job_is_in_its_descriptors() -> None:
    tool = Tool()
    (begun,) = tool.jobs().process(descriptors("a"))
    assert isinstance(begun, Pending)
    assert (begun.again.batch, begun.wait, begun.again.priority) == ("job1", 5.0, 1)
    assert begun.again.metadata == {"own": "kept", JOB: "job1", "polls": "0"}
    (later,) = tool.jobs().process([begun.again])
    assert isinstance(later, Pending)
    assert later.wait == 10.0
    assert (later.again.id, later.again.scope, later.again.type) == ("a", "all", begun.again.type)


def test_one_that_no_job_survives_costs_itself() -> None:
    names = [f"w{at}" for at in range(16)]
    tool = Tool(poison="w11")
    ends = ended(run(tool, descriptors(*names)))
    assert ends.pop("w11") == "Failed"
    assert set(ends.values()) == {"Described"}
    assert len(tool.begun) == 1 + 2 * 4, "halves of halves"


def test_a_single_one_that_fails_is_tried_twice() -> None:
    tool = Tool(poison="a")
    (end,) = run(tool, descriptors("a")).values()
    assert isinstance(end, Failed)
    assert str(end.error) == "given up"
    assert tool.begun == [["a"], ["a"]]


def test_what_is_gone_is_begun_anew_and_not_for_ever() -> None:
    tool = Tool(gone={"job1"})
    assert ended(run(tool, descriptors("a", "b"))) == dict.fromkeys("ab", "Described")
    assert tool.begun == [["a", "b"], ["a", "b"]]
    tool = Tool(gone={f"job{at}" for at in range(100)})
    (end,) = run(tool, descriptors("a")).values()
    assert isinstance(end, Failed)
    assert "came to nothing" in str(end.error)
    assert len(tool.begun) == MOST_LOST + 1


def test_a_tool_that_works_on_as_much_as_it_can_is_asked_again_and_nobody_fails() -> None:
    tool = Tool(refuse=lambda: Throttled("busy", 7.0))
    (answer,) = tool.jobs().process(descriptors("a"))
    assert isinstance(answer, Pending)
    assert (answer.again, answer.wait) == (answer.descriptor, 7.0)
    tool.refuse = lambda: Throttled("busy")
    (answer,) = tool.jobs().process(descriptors("a"))
    assert isinstance(answer, Pending)
    assert answer.wait == 60.0


def test_a_tool_that_stumbles_is_asked_later_by_one_call_for_all() -> None:
    slow = [Throttled("429", 0.0) for _ in range(20)]
    tool = Tool(stumbles=[Unreachable("the network is cut"), Retryable("503"), *slow])
    assert ended(run(tool, descriptors("a", "b"))) == dict.fromkeys("ab", "Described")
    assert (tool.begun, tool.asked) == ([["a", "b"]], {"job1": 23})


def test_a_tool_that_stumbles_for_ever_is_told_with_its_error() -> None:
    tool = Tool(stumbles=[Retryable("503 busy") for _ in range(50)])
    ends = run(tool, descriptors("a", "b"))
    assert {str(each.error) for each in ends.values() if isinstance(each, Failed)} == {"503 busy"}
    assert tool.asked == {"job1": MOST_STUMBLED + 1}


@pytest.mark.parametrize("error", [Denied("no"), Gone("no such call")])
def test_what_is_said_of_the_call_is_said_of_all_by_one_call(error: Exception) -> None:
    calls = []

    def refuse() -> Exception:
        calls.append(1)
        return error

    answers = [*Tool(refuse=refuse).jobs().process(descriptors("a", "b", "c"))]
    assert [type(each) for each in answers] == [Failed] * 3
    assert len(calls) == 1


@pytest.mark.parametrize("error", [Unauthorised("who"), Unreachable("where")])
def test_what_ends_the_run_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        [*Tool(refuse=lambda: error).jobs().process(descriptors("a"))]


def test_a_refusal_of_what_was_sent_is_taken_apart() -> None:
    """Perhaps one of them is no id at all."""
    tool = Tool(refuse=lambda: Permanent("400 bad id"))
    answers = [*tool.jobs().process(descriptors("a", "b", "c"))]
    batches = [each.again.batch for each in answers if isinstance(each, Pending)]
    assert batches == ["a/0", "a/0", "a/1"]
    assert {each.again.metadata[LOST] for each in answers if isinstance(each, Pending)} == {"1"}


def test_what_is_not_understood_of_the_outcome_costs_itself() -> None:
    ends = run(Tool(), descriptors("a", "untold"))
    assert ended(ends) == {"a": "Described", "untold": "Failed"}
    failed = ends["untold"]
    assert isinstance(failed, Failed)
    assert "there is no 'untold'" in str(failed.error)
