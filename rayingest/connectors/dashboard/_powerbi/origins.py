"""Which tables of the catalogue a dataset reads, table by table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rayingest.connectors.dashboard._powerbi.model import Model
from rayingest.connectors.dashboard._powerbi.value import Place, Query
from rayingest.kit.queries import tables_read
from rayingest.kit.tables import Tables, split


@dataclass(frozen=True)
class Origins:
    """FQNs of `tables`; `behind`: the one table behind a dataset's own; `unknown`: those of unknown origin."""

    tables: Sequence[str] = ()
    behind: Mapping[str, str] = field(default_factory=dict)
    unknown: Sequence[str] = ()


def origins(dataset: Mapping[str, Any], whose: str, tables: Tables) -> Origins:
    """Nothing is looked at when no tables are asked for."""
    if not tables.places:
        return Origins()
    model = Model.of(dataset)
    found: dict[str, None] = {}
    behind, unknown = {}, []
    for name, value in model.values():
        names = dict.fromkeys(each for read in value.reads for each in _names(read, whose))
        known = {each: tables.find(each) for each in names}
        found |= dict.fromkeys(each for each in known.values() if each)
        missing = [each for each, fqn in known.items() if not fqn]  # several are called so
        if len(names) == 1 and not value.unknown and (parts := split(next(iter(names)))):
            behind[name] = parts[-1]
        if why := (*value.unknown, *missing):
            unknown.append(f"{name} ({why[0]})")
    return Origins(tuple(found), behind, unknown)


def _names(read: Place | Query, whose: str) -> Iterator[str]:
    """Tables as SQL spells them, with their database when the place says it."""
    if isinstance(read, Place):
        yield ".".join(f'"{each}"' for each in read.names)
        return
    database = read.at.names[:1] if read.at.server.names == 3 else ()
    for each in tables_read(read.sql, whose, read.at.server.dialect):
        whole = len(split(each)) == 2 and database
        yield f'"{database[0]}".{each}' if whole else each
