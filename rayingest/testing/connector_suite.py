# ruff: noqa: S101 - these are tests
"""What every connector must hold, wherever it lives: run it against yours.

    import pytest
    from rayingest.testing.connector_suite import CHECKS, Case, case


    @pytest.fixture(scope="module")
    def story():
        with a_server() as url:
            yield case("widgets", {"hostPort": url})


    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_widgets(check, story: Case):
        check(story)

Each check raises AssertionError with what is wrong. What is behind the connection should have a few of
everything; whatever it holds must not change meanwhile.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from pydantic import BaseModel, SecretStr

from rayingest.config.options import DatabaseLineage
from rayingest.core import fqn, registry
from rayingest.core.source import Capability, Connector, Described, Settings, Varied
from rayingest.model import Entity
from rayingest.testing.conformance import (
    FLOORS,
    Kept,
    Told,
    answers,
    batches,
    reached,
    settings_for,
    tell,
)

LARGEST = 1000  # bytes of a descriptor


@dataclass(frozen=True)
class Case:
    """A connector, how it was opened, and all that it told."""

    name: str
    connector: Connector
    settings: Settings
    told: Told


def case(name: str, connection: Mapping[str, Any], connector: Connector | None = None) -> Case:
    """Read everything through a connector, by its name. Raises RayingestError.

    `connector` is that one with another way to connect, where no server can be had.
    """
    connector = connector or registry.load(name)
    settings = settings_for(connector, dict(connection))
    return Case(name, connector, settings, tell(connector, settings))


def everything_found_is_described(given: Case) -> None:
    """No failure, and an answer for each descriptor."""
    told = given.told
    assert told.descriptors, "nothing was discovered"
    failed = {each.descriptor.id: str(each.error) for each in told.failures}
    assert not failed, f"these failed: {failed}"
    assert not told.unanswered, f"these got no answer: {told.unanswered}"


def scopes_count_right(given: Case) -> None:
    """Each listing ends with `ScopeListed`, complete, with the number that it yielded."""
    told = given.told
    for scope in told.scopes:
        members = [e for e in told.descriptors if (e.type, e.scope) == (scope.type, scope.scope)]
        assert scope.complete, f"{scope.scope} was not listed to its end: {scope.why}"
        assert scope.count == len(members), (
            f"{scope.scope} counts {scope.count}, has {len(members)}"
        )
    ended = {(each.type, each.scope) for each in told.scopes}
    open_ = {(each.type, each.scope) for each in told.descriptors} - ended
    assert not open_, f"no ScopeListed came for {open_}"


def descriptors_are_small_unique_and_travel(given: Case) -> None:
    """One id once; below 1 kB; the same after a journey to another process."""
    descriptors = given.told.descriptors
    assert len({(each.type, each.id) for each in descriptors}) == len(descriptors)
    for each in descriptors:
        size = len(msgspec.json.encode(each))
        assert size < LARGEST, f"the descriptor of {each.id} has {size} bytes"
        assert pickle.loads(pickle.dumps(each)) == each  # noqa: S301 - our own


def secrets_stay_inside(given: Case) -> None:
    """No descriptor, entity, error or shared context has a secret of the connection."""
    told = given.told
    shared = given.connector.prepare(given.settings, None)
    texts = [
        *(msgspec.json.encode(each).decode() for each in told.descriptors),
        *(repr(each) for each in (*told.entities, *told.facts, *told.failures)),
        repr(pickle.dumps(shared)),
    ]
    for secret in secrets(given.settings.connection):
        shown = next((each for each in texts if secret in each), None)
        assert shown is None, f"a secret is shown: {shown!r}".replace(secret, "***")


def one_by_one_says_the_same_as_a_batch(given: Case) -> None:
    """In another session and another order."""
    context = given.connector.prepare(given.settings, None)
    context = pickle.loads(pickle.dumps(context))  # noqa: S301 - as a worker gets it
    alone: dict[tuple[str, str], Entity] = {}
    with given.connector.open(given.settings, context) as source:
        for batch in reversed(batches(given.told.descriptors)):
            for descriptor in reversed(batch):
                for answer in answers(source, [descriptor]):
                    assert isinstance(answer, Described), f"{descriptor.id} fails alone: {answer}"
                    alone |= {(each.type.value, each.fqn): each for each in answer.entities}
    assert alone == {(each.type.value, each.fqn): each for each in given.told.entities}


def parents_come_before_their_children(given: Case) -> None:
    """A child's scope is the id of a parent that was listed before."""
    seen = set()
    for each in given.told.descriptors:
        parent = given.connector.dependencies.get(each.type)
        assert parent is None or (parent, each.scope) in seen, (
            f"{each.id} comes before {each.scope}"
        )
        seen.add((each.type, each.id))


def names_are_the_catalogues(given: Case) -> None:
    """FQNs begin with the service, end with the name, and no name has `::`, which no catalogue takes."""
    for each in given.told.entities:
        parts = fqn.split(each.fqn)
        assert parts[0] == given.settings.service, f"{each.fqn} is not below the service"
        assert parts[-1] == each.name, f"{each.fqn} does not end with its name, {each.name!r}"
        assert "::" not in each.name, f"{each.fqn} has '::' in its name"


def gaps_have_a_reason(given: Case) -> None:
    """A capability is claimed or it is in `lacks`, with a reason, and not both."""
    known = FLOORS.get(given.connector.family, {})
    for each in known:
        claimed, lacks = each in given.connector.capabilities, each in given.connector.lacks
        assert claimed != lacks, f"{each.value} is neither claimed nor lacking, or both"
    assert all(each.strip() for each in given.connector.lacks.values())


def views_tell_what_they_read(given: Case) -> None:
    """Where a connector's variant reads lineage, the story's view comes from its table, column by column."""
    variants = given.connector.variants if isinstance(given.connector, Varied) else {}
    if "lineage" not in variants or not shows(given, Capability.VIEWS):
        return
    settings = replace(given.settings, options=DatabaseLineage(processQueryLineage=False))
    told = tell(variants["lineage"], settings, Kept(given.told.entities))
    view, table = given.told.table("cheap_book"), given.told.table("book")
    assert not told.failures
    edges = {(str(each.payload["fromFqn"]), each.target_fqn): each for each in told.facts}
    assert edges.keys() == {(table.fqn, view.fqn)}, f"{[*edges]} is not what the view reads"
    columns = edges[table.fqn, view.fqn].payload["details"]["columnsLineage"]
    pairs = [(*each["fromColumns"], each["toColumn"]) for each in columns]
    names = zip(table.columns[:2], view.columns, strict=True)
    assert pairs == [
        (fqn.child(table.fqn, ours.name), fqn.child(view.fqn, theirs.name))
        for ours, theirs in names
    ]


CHECKS: tuple[Callable[[Case], None], ...] = (
    everything_found_is_described,
    scopes_count_right,
    descriptors_are_small_unique_and_travel,
    secrets_stay_inside,
    one_by_one_says_the_same_as_a_batch,
    parents_come_before_their_children,
    names_are_the_catalogues,
    gaps_have_a_reason,
    views_tell_what_they_read,
)


def shows(given: Case, capability: Capability) -> bool:
    """Whether what was told shows a capability, at the least that it means."""
    return reached(given.told, given.connector.family, capability)


def secrets(value: Any) -> Iterator[str]:
    """All secrets in a connection's model, at any depth."""
    if isinstance(value, SecretStr):
        if value.get_secret_value():
            yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for each in dict(value).values():
            yield from secrets(each)
    elif isinstance(value, Mapping | list | tuple):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from secrets(each)
