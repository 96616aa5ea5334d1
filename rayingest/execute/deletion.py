"""Delete from the sink what has vanished from the source, and tell what is withheld and why."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rayingest.core.sink import SinkSession
from rayingest.errors import RayingestError
from rayingest.execute.events import Why, WithheldGroup, why
from rayingest.execute.knowing import Knowing
from rayingest.execute.unlinking import unlink
from rayingest.model import EntityType
from rayingest.state.deletions import Decision
from rayingest.state.edges import Left
from rayingest.state.settling import Candidate

SAMPLES = 5


@dataclass
class Deleted:
    """What became of all candidates, and of `edges` that views have no more: gone, refused, or withheld."""

    gone: list[Candidate] = field(default_factory=list)
    edges: list[Left] = field(default_factory=list)
    refused: list[tuple[Why, str]] = field(default_factory=list)
    withheld: list[WithheldGroup] = field(default_factory=list)


class Deleting(Protocol):
    """What a run does at its end with all that has vanished."""

    def __call__(self, knowing: Knowing, session: SinkSession, *, whole: bool) -> Deleted:
        """See delete."""
        ...


def delete(knowing: Knowing, session: SinkSession, *, whole: bool) -> Deleted:
    """Decide, delete softly, and note it in the state. Raises StateError.

    A sink that goes down in the middle costs no more than the rest: it is a candidate again next time.
    """
    decision = knowing.decide(whole=whole)
    done = Deleted(withheld=grouped(decision))
    groups: dict[tuple[EntityType, str], list[Candidate]] = defaultdict(list)
    for each in decision.delete:
        groups[each.candidate.type, each.candidate.scope[1]].append(each.candidate)
    for (kind, scope), candidates in groups.items():
        _delete(session, kind, scope, candidates, done, known=knowing.known(candidates[0]))
    unlinked = unlink(knowing, session)
    done.edges = unlinked.gone
    done.refused += unlinked.refused
    done.withheld += unlinked.kept
    knowing.conclude(decision, done.gone)
    return done


def _delete(
    session: SinkSession,
    kind: EntityType,
    scope: str,
    candidates: Sequence[Candidate],
    done: Deleted,
    *,
    known: set[str] | None,
) -> None:
    names = [each.fqn for each in candidates]
    try:
        seen = known.difference(names) if known is not None else None
        answers = session.delete(kind.value, names, scope=scope, seen=seen)
    except RayingestError as error:
        done.refused += [(why(error, "sink"), name) for name in names]
        return
    for each, answer in zip(candidates, answers, strict=True):
        if answer.outcome == "refused":
            text = answer.why or "the sink refused to delete it"
            done.refused.append((Why("Refused", text, answer.hint, None, "sink"), each.fqn))
        else:
            done.gone.append(each)


def grouped(decision: Decision) -> list[WithheldGroup]:
    """What is withheld, alike ones together."""
    found: dict[tuple[str, str, str], WithheldGroup] = {}
    for each in decision.withheld:
        key = each.candidate.type.value, str(each.rule), each.reason
        group = found.setdefault(key, WithheldGroup(*key, samples=[]))
        group.count += 1
        if len(group.samples) < SAMPLES:
            group.samples.append(each.candidate.fqn)
    return sorted(found.values(), key=lambda each: -each.count)
