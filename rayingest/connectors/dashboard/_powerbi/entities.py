"""From what a scan tells of a workspace to its entities: pure functions."""

import logging
from collections.abc import Sequence
from typing import Any

from rayingest.connectors.dashboard._powerbi.home import KINDS, MODEL, Home, Json, Made, identity
from rayingest.connectors.dashboard._powerbi.items import MAKERS
from rayingest.core.source import Described, EntityDescriptor
from rayingest.errors import Gone, Permanent
from rayingest.kit.rest.kinds import Site

ITEM = "item"  # in the metadata of what is asked for alone: "reports/<id>"
SAMPLES = 5
_BROKEN = (LookupError, TypeError, AttributeError, ValueError)
_log = logging.getLogger(__name__)


def described(descriptor: EntityDescriptor, raw: Json, site: Site) -> Described:
    """All that lies in a workspace; what of it is not understood is to be asked for by itself."""
    state = raw.get("state", "Active")
    if state != "Active":
        raise Gone(f"The workspace {raw.get('name')!r} is {state}.")
    home = Home.of(raw, site)
    if ITEM in descriptor.metadata:
        return _alone(descriptor, home)
    made: list[Made] = []
    children = []
    for kind, maker in MAKERS.items():
        if KINDS[kind] is MODEL and not site.settings.options.includeDataModels:
            continue
        for at, each in enumerate(raw.get(kind) or ()):
            try:
                made.append(maker(each, home))
            except _BROKEN:
                children.append(_child(descriptor, home, kind, each, at))
    _tell(home, [name for each in made for name in each.unknown])
    return Described(
        descriptor,
        [entity for each in made for entity in each.entities],
        [fact for each in made for fact in each.facts],
        children,
    )


def _child(
    descriptor: EntityDescriptor, home: Home, kind: str, raw: Any, at: int
) -> EntityDescriptor:
    """What asks for one item of a scan that has been fetched."""
    told = identity(raw, kind) or at
    name = told if told != at else f"{home.raw['id']}.{kind}.{at}"
    of = KINDS[kind]
    metadata = {**descriptor.metadata, ITEM: f"{kind}/{told}"}
    return EntityDescriptor(
        of, home.named(of, name), descriptor.id, batch=descriptor.batch, metadata=metadata
    )


def _alone(descriptor: EntityDescriptor, home: Home) -> Described:
    """One item of a workspace. Raises Permanent with what is wrong with it."""
    kind, _, told = descriptor.metadata[ITEM].partition("/")
    for at, each in enumerate(home.raw.get(kind) or ()):
        if str(identity(each, kind) or at) != told:
            continue
        try:
            made = MAKERS[kind](each, home)
        except _BROKEN as error:
            missing = isinstance(error, KeyError)
            why = f"there is no {error}" if missing else f"{type(error).__name__}: {error}"
            raise Permanent(
                f"{told} among the {kind} of the workspace {home.project!r} is not understood: {why}."
            ) from error
        return Described(descriptor, made.entities, made.facts)
    raise Gone(f"{told} is not among the {kind} of the workspace {home.project!r} any more.")


def _tell(home: Home, unknown: Sequence[str]) -> None:
    if unknown:
        more = ", …" if len(unknown) > SAMPLES else ""
        told = ", ".join(unknown[:SAMPLES]) + more
        _log.warning(
            "Where %d tables of the workspace %r come from is not known: %s",
            len(unknown), home.project, told,
        )  # fmt: skip
