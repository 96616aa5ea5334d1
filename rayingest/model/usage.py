"""How often something is used: what tools tell of it, and what a catalogue is told.

A tool tells a total since ever, a catalogue counts by day: what is told of a day is made of two totals
(see `state.usage`), by whoever runs the source. A connector makes a fact with `total`; a sink is given
one with `uses`.
"""

from datetime import date

from rayingest.model.entity import EntityType, Fact

USAGE = "usage"
_TOTAL = "total"


def total(kind: EntityType, name: str, count: int, basis: str = "") -> Fact:
    """So often it was used until now.

    `basis` says what is counted, where that may change: two totals tell a difference if it is the same.
    """
    payload: dict[str, int | str] = {_TOTAL: count, **({"basis": basis} if basis else {})}
    return Fact(target_type=kind, target_fqn=name, kind=USAGE, key=_TOTAL, payload=payload)


def told(fact: Fact) -> tuple[int, str] | None:
    """The total that a fact is about, and its basis; None for all other facts."""
    if fact.kind != USAGE or _TOTAL not in fact.payload:
        return None
    return int(fact.payload[_TOTAL]), str(fact.payload.get("basis", ""))


def uses(kind: EntityType, name: str, day: date, count: int) -> Fact:
    """So often it was used on a day, all in all: the last one that is told of a day is right."""
    on = day.isoformat()
    payload = {"date": on, "count": count}
    return Fact(target_type=kind, target_fqn=name, kind=USAGE, key=on, payload=payload)
