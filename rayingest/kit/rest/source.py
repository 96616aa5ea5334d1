"""A live REST source: listings and details of the kinds that a connector names."""

import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from rayingest.core import fqn
from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Listed,
    Processed,
    ScopeListed,
    Settings,
    one_by_one,
)
from rayingest.errors import Denied, Forbidden, Permanent
from rayingest.kit.dashboards import Place
from rayingest.kit.rest.api import Api
from rayingest.kit.rest.kinds import Found, Kind, Site
from rayingest.kit.rest.pages import Cut, Pager
from rayingest.model import EntityType


class Lists(Protocol):
    """A session that lists by the paths of kinds: an `Api`, or what answers in its words."""

    url: str

    @property
    def calls(self) -> int:
        """Calls so far."""
        ...

    def items(
        self, path: str, pager: Pager, params: Mapping[str, str] | None = None
    ) -> Iterator[Any]:
        """All items of a listing."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class Listing:
    """The half of a source that lists, for one thread at a time, and what kinds make of answers."""

    def __init__(
        self, kinds: Mapping[EntityType, Kind], session: Lists, settings: Settings, context: Any
    ) -> None:
        self._kinds = {each: kind for each, kind in kinds.items() if kind.wanted(settings.options)}
        self._session = session
        self._service = fqn.join(settings.service)
        self._site = Site(Place(self._service, session.url), settings, context)

    @property
    def calls(self) -> int:
        """Calls so far."""
        return self._session.calls

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def get_parallelizable_entity_types(self) -> Sequence[EntityType]:
        """Types that the connector knows and the options want."""
        return tuple(self._kinds)

    def discover_entities(
        self, entity_type: EntityType, scope: str | None = None
    ) -> Iterator[Listed]:
        """Names only: what patterns leave out is counted, what comes twice is told once."""
        kind = self._kinds.get(entity_type)
        if kind is None:
            return
        seen: set[str] = set()
        filtered, why = 0, None
        try:
            for found in self._found(kind):
                if found.fqn in seen:
                    continue
                seen.add(found.fqn)
                if not self._site.takes(entity_type, found):
                    filtered += 1
                    continue
                yield EntityDescriptor(
                    entity_type, found.fqn, self._service, metadata=dict(found.metadata)
                )
        except Cut as error:
            why = str(error)
        yield ScopeListed(
            entity_type,
            self._service,
            len(seen) - filtered,
            complete=why is None,
            why=why,
            filtered=filtered,
        )

    def _found(self, kind: Kind) -> Iterator[Found]:
        pager = kind.pager(self._site.settings.connection)
        for raw in self._session.items(kind.path, pager, kind.params):
            found = self._understood(kind, raw)
            if found is not None:
                yield found

    def _understood(self, kind: Kind, raw: Any) -> Found | None:
        try:
            return kind.found(raw, self._site)
        except (KeyError, TypeError, AttributeError) as error:
            raise Permanent(
                f"{kind.path} lists something that is not understood: {_reason(error)}."
            ) from error

    def _told(self, descriptor: EntityDescriptor, answers: Sequence[Any]) -> Described:
        kind = self._kinds[descriptor.type]
        try:
            return kind.describe(descriptor, self._site, *answers)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            where = ", ".join(kind.details)
            raise Permanent(
                f"The answer of {where} is not understood: {_reason(error)}."
            ) from error


class RestSource(Listing):
    """A session with an API. It remembers nothing of one entity for the next."""

    def __init__(
        self, kinds: Mapping[EntityType, Kind], api: Api, settings: Settings, context: Any
    ) -> None:
        super().__init__(kinds, api, settings, context)
        self._api = api

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """As many calls for each as it has details."""
        return one_by_one(self._described)(descriptors)

    def _described(self, descriptor: EntityDescriptor) -> Described:
        kind = self._kinds[descriptor.type]
        try:
            answers = [
                self._api.get(filled(each, descriptor.metadata), route=each)
                for each in kind.details
            ]
        except Denied as error:
            raise Forbidden(
                str(error), hint=kind.grant or "Give the account the right to see it."
            ) from None
        return self._told(descriptor, answers)


def filled(path: str, values: Mapping[str, str]) -> str:
    """A path with its `{…}` filled in, percent-encoded. Raises KeyError for one that is not known."""
    parts = [
        text + (quote(values[name], safe="") if name else "")
        for text, name, _, _ in string.Formatter().parse(path)
    ]
    return "".join(parts)


def _reason(error: Exception) -> str:
    missing = isinstance(error, KeyError)
    return f"there is no {error}" if missing else f"{type(error).__name__}: {error}"
