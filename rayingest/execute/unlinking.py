"""Remove from the sink the lineage edges that views do not have any more."""

from collections import defaultdict
from dataclasses import dataclass, field

from rayingest.core.sink import SinkSession
from rayingest.errors import RayingestError
from rayingest.execute.events import Why, WithheldGroup, why
from rayingest.execute.knowing import Knowing
from rayingest.state import edges
from rayingest.state.edges import Kept, Left
from rayingest.state.packed import EDGE
from rayingest.state.shard import Scope, Shard

SAMPLES = 5


@dataclass
class Unlinked:
    """What became of them: gone, refused by the sink, or kept for now."""

    gone: list[Left] = field(default_factory=list)
    refused: list[tuple[Why, str]] = field(default_factory=list)
    kept: list[WithheldGroup] = field(default_factory=list)


def unlink(knowing: Knowing, session: SinkSession) -> Unlinked:
    """Decide, remove, and note it in the state. Raises StateError."""
    done = Unlinked()
    found = knowing.left
    if not found:
        return done
    state = knowing.state
    shards = (state.load(*scope) for scope in state.scopes())
    elsewhere = edges.held_elsewhere((each for each in shards if each is not None), found)
    known = {
        scope: edges.number(_shard(knowing, scope)) for scope in {each.scope for each in found}
    }
    go, kept = edges.decide(
        [each for each in found if each.fqn not in elsewhere],
        known,
        planned=knowing.memory.planned is not None,
    )
    done.kept = [_grouped(each) for each in kept]
    by_scope: dict[Scope, list[Left]] = defaultdict(list)
    for each in go:
        by_scope[each.scope].append(each)
    for scope, group in by_scope.items():
        _remove(session, scope, group, done)
    # What another one has goes on as its edge, and not as one that is left over.
    over = [*done.gone, *(each for each in found if each.fqn in elsewhere)]
    for scope in {each.scope for each in over}:
        state.commit(edges.without(_shard(knowing, scope), over))
    return done


def _shard(knowing: Knowing, scope: Scope) -> Shard:
    found = knowing.state.load(*scope)
    return found if found is not None else Shard(*scope, knowing.memory.run_id, "")


def _remove(session: SinkSession, scope: Scope, group: list[Left], done: Unlinked) -> None:
    names = [each.fqn for each in group]
    try:
        answers = session.delete(EDGE, names, scope=scope[1])
    except RayingestError as error:
        done.refused += [(why(error, "sink"), name) for name in names]
        return
    for each, answer in zip(group, answers, strict=True):
        if answer.outcome == "refused":
            text = answer.why or "the sink refused to delete it"
            done.refused.append((Why("Refused", text, answer.hint, None, "sink"), each.fqn))
        else:
            done.gone.append(each)


def _grouped(kept: Kept) -> WithheldGroup:
    names = [each.fqn for each in kept.edges]
    return WithheldGroup(EDGE, str(kept.rule), kept.reason, len(names), names[:SAMPLES])
