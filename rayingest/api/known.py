"""What is known of a config's service in its sink: look at it, forget it.

`Job.known()` opens it; `KnownState.export` tells all of it.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches

import msgspec

from rayingest.api.job import Job
from rayingest.errors import ConfigError, StateError
from rayingest.model import EntityType
from rayingest.state import mark
from rayingest.state.claims import driven
from rayingest.state.known import KEY, KnownState
from rayingest.state.run_directory import default_url, safe
from rayingest.state.shard import Head, Missing, Scope, Shard, name_of
from rayingest.state.store import store

SAMPLES = 5
_ORDER = {each: place for place, each in enumerate(EntityType)}
_NEVER = datetime.min.replace(tzinfo=UTC)


class OfType(msgspec.Struct, kw_only=True):
    """What is known of one type's entities; `missing` are among the `entities`, `withheld` among those.

    `run` is the run that last learned something new of them; `samples` name missing ones.
    """

    scopes: int = 0
    entities: int = 0
    missing: int = 0
    withheld: int = 0
    run: str = ""
    samples: list[str] = []


class OfScope(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one scope, as `run` left it; `at` is when the shard was put."""

    type: EntityType
    scope: str
    entities: dict[str, int]
    missing: int
    run: str
    at: datetime | None


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A shard that says nothing; the index may still know which scope it is about."""

    url: str
    why: str
    type: EntityType | None = None
    scope: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known, and of what. `begun` is a run that writes now, or never came to its end.

    `others` are names of configs that have a state of the same service, where this one has none.
    """

    service: str
    sink: str
    config: str
    url: str
    types: dict[str, OfType]
    scopes: list[OfScope]
    unreadable: list[Unreadable]
    begun: str | None = None
    others: list[str] = []

    @property
    def entities(self) -> int:
        """How many entities are known in all."""
        return sum(each.entities for each in self.types.values())

    @property
    def missing(self) -> int:
        """How many of them have vanished and are not deleted yet."""
        return sum(each.missing for each in self.types.values())


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What was forgotten, or would be; `scope` is None where that is everything."""

    scope: str | None
    scopes: int
    entities: int
    missing: int
    unreadable: int


# --- looking ---


def look(job: Job) -> Standing:
    """All that is known, counted; every shard is read. Raises ConfigError, StateError."""
    state = job.known()
    looked = _Look(state, _times(state))
    looked.take_all()
    known = bool(looked.scopes or looked.unreadable)
    about = {key: state.about[key] for key in ("service", "sink", "config")}
    return Standing(
        **about,
        url=state.store.url,
        types={each.value: looked.types[each] for each in EntityType if each in looked.types},
        scopes=sorted(looked.scopes, key=lambda each: (_ORDER[each.type], each.scope)),
        unreadable=looked.unreadable,
        begun=_begun(state),
        others=[] if known else _others(job, state),
    )


@dataclass
class _Look:
    """The sums, while shard after shard is read."""

    state: KnownState
    times: dict[str, datetime]
    types: dict[EntityType, OfType] = field(default_factory=dict)
    newest: dict[EntityType, tuple[datetime, str]] = field(default_factory=dict)
    scopes: list[OfScope] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    def take_all(self) -> None:
        """Read every shard. Raises StateError."""
        heads = dict(self.state.heads())  # reading may correct it
        for scope in sorted(heads):
            shard = self.state.load(*scope)
            if shard is not None or name_of(*scope) in self.state.unreadable:
                self._take(heads[scope], shard)
        named = {name_of(*each): each for each in heads}
        for name in sorted(self.state.unreadable):
            url = f"{self.state.store.url}/{name}"
            broken = Unreadable(url=url, why=self._why(url))
            if (of := named.get(name)) is not None:
                broken = msgspec.structs.replace(broken, type=of[0], scope=of[1])
            self.unreadable.append(broken)

    def _why(self, url: str) -> str:
        """The reason in the state's own warning; none when an earlier run has seen it."""
        for each in self.state.warnings:
            _, found, rest = each.partition(f"({url}: ")
            if found:
                return rest.partition("). It is read")[0]
        return "an earlier run could not read it"

    def _take(self, head: Head, shard: Shard | None) -> None:
        missing = shard.missing if shard is not None else ()
        at = self.times.get(name_of(*head.key))
        self.scopes.append(
            OfScope(
                type=head.type,
                scope=head.scope,
                entities=head.counts,
                missing=len(missing),
                run=head.run_id,
                at=at,
            )
        )
        for kind in {head.type, *map(EntityType, head.counts)}:
            told = self.types.setdefault(kind, OfType())
            told.scopes += 1
            told.entities += head.counts.get(kind.value, 0)
            newest = max((at or _NEVER, head.run_id), self.newest.get(kind, (_NEVER, "")))
            self.newest[kind], told.run = newest, newest[1]
            _count(told, [each for each in missing if each.type is kind])


def _count(told: OfType, missing: list[Missing]) -> None:
    told.missing += len(missing)
    told.withheld += sum(bool(each.withheld) for each in missing)
    told.samples = [*told.samples, *(each.fqn for each in missing)][:SAMPLES]


def _times(state: KnownState) -> dict[str, datetime]:
    """When each shard was put, where the storage says so."""
    with suppress(StateError):
        return {
            name: datetime.fromtimestamp(at, UTC) for name, at in state.store.times().items() if at
        }
    return {}


def _begun(state: KnownState) -> str | None:
    """The run that has said that it writes, and not yet that it has done so."""
    found = mark.read(state.store)
    return None if found is None or found.clean else found.run or None


def _others(job: Job, state: KnownState) -> list[str]:
    """Configs that have a state of this service: the name of a config's file is part of its key."""
    url = (job.config.execution.state_url or default_url()).rstrip("/")
    above = store(f"{url}/{safe(job.config.service)}/state")
    found = set()
    for name in above.names():
        if name.endswith(f"/{KEY}"):
            with suppress(FileNotFoundError, msgspec.MsgspecError, KeyError):
                about = msgspec.json.decode(above.get(name), type=dict[str, str])
                found.add(f"{about['config']} -> {about['sink']}")
    return sorted(found - {f"{state.about['config']} -> {state.about['sink']}"})


# --- forgetting ---


def forget(
    job: Job, scope: tuple[EntityType, str] | None = None, *, dry_run: bool = False
) -> Forgotten:
    """Know nothing any more, or nothing of one scope; answers what was known.

    Raises ConfigError for a scope of which nothing is known, StateError, also while a run writes.
    """
    known = look(job)
    gone = _going(known, scope)
    if dry_run or not (gone.scopes or gone.unreadable):
        return gone
    state = job.known()
    _refuse_if_driven(job, known.begun)
    if scope is None:
        state.reset()
    else:
        state.forget(*scope)
        state.close()
    return gone


def _going(known: Standing, scope: Scope | None) -> Forgotten:
    scopes = [each for each in known.scopes if scope in (None, (each.type, each.scope))]
    broken = [each for each in known.unreadable if scope is None or _is(each, scope)]
    if scope is not None and not scopes and not broken:
        raise _unknown(known, scope)
    return Forgotten(
        scope=scope[1] if scope else None,
        scopes=len(scopes),
        entities=sum(sum(each.entities.values()) for each in scopes),
        missing=sum(each.missing for each in scopes),
        unreadable=len(broken),
    )


def _is(broken: Unreadable, scope: Scope) -> bool:
    """Whether an unreadable shard is that of a scope: its name tells, whatever is in it."""
    return broken.url.endswith(f"/{name_of(*scope)}")


def _unknown(known: Standing, scope: Scope) -> ConfigError:
    kind, name = scope
    there = [each.scope for each in known.scopes if each.type is kind]
    near = get_close_matches(name, there, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigError(
        f"Nothing is known of {kind.value} entities in a scope {name!r}.{meant}",
        hint="`rayingest state show CONFIG --scopes` lists the scopes.",
    )


def _refuse_if_driven(job: Job, run_id: str | None) -> None:
    """A run that writes now would go on with what it had read. Raises StateError."""
    if run_id is None:
        return
    if not driven(job.run_directory(run_id).store):
        return
    raise StateError(
        f"Run {run_id} is writing to it now.",
        hint="Wait until it has ended; nothing was forgotten.",
    )
