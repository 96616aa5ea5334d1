"""One session's calls to a catalogue of Iceberg: counted, limited, tried again, told by our errors."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import stamina
from pydantic import BaseModel

from rayingest.config.marks import secret_paths
from rayingest.connectors.database._iceberg import properties
from rayingest.connectors.database._iceberg.catalogs import REST, Opened, opened
from rayingest.connectors.database._iceberg.connection import Catalog, IcebergConnection
from rayingest.connectors.database._iceberg.errors import ADDRESS, classify
from rayingest.core.source import Settings
from rayingest.errors import Gone, RayingestError, Retryable, TimedOut, Unreachable
from rayingest.kit.aws.session import credentials, session

LIMIT = "iceberg"
TRIES = 3
DEFAULT = "default"
Name = tuple[str, ...]


class Session:
    """A catalogue, and how often it was asked; a file of metadata that it only names is a call, too."""

    def __init__(self, settings: Settings) -> None:
        config: IcebergConnection = settings.connection
        self.calls = 0
        self.catalog = config.catalog
        self.database = config.catalog.databaseName or DEFAULT
        self.ownership = config.ownershipProperty
        self._options = config.connectionOptions
        self._limiter = settings.limiter
        self._timeout = settings.call_timeout
        self._stop = threading.Event()
        self._hidden = [_at(config, path) for path in secret_paths(config)]
        self._aws = properties.of_aws(config.catalog.connection)
        self._session = session(self._aws) if self._aws else None
        self._keys: Any = None
        self._opened: Opened | None = None
        self._once("open", self._current)

    @property
    def kind(self) -> str:
        """What kind of catalogue it is."""
        return self._opened.kind if self._opened else ""

    def close(self) -> None:
        """Close its connections."""
        if self._opened is not None:
            with suppress(Exception):
                self._opened.catalogue.close()

    def cancel(self) -> None:
        """No call follows; one that is under way ends with its time-out."""
        self._stop.set()

    def children(self, parent: Name) -> Sequence[Name]:
        """Namespaces just below one; those at the top below ()."""
        found = map(tuple, self._ask("list_namespaces", parent))
        # Some catalogues that have no nested ones answer with those at the top again.
        return sorted(each for each in found if each[:-1] == parent)

    def namespaces(self) -> Iterator[Name]:
        """All of them, each before what is below it."""
        waiting = [*reversed(self.children(()))]
        while waiting:
            name = waiting.pop()
            yield name
            with suppress(Gone):  # it was dropped just now
                waiting += reversed(self.children(name))

    def told_of(self, name: Name) -> dict[str, str]:
        """Properties of a namespace."""
        return dict(self._ask("load_namespace_properties", name))

    def tables(self, name: Name) -> Sequence[str]:
        """Names of the tables in a namespace."""
        return sorted(each[-1] for each in self._ask("list_tables", name))

    def views(self, name: Name) -> Sequence[str]:
        """Names of its views; of pyiceberg's catalogues REST alone has any."""
        if self.kind != REST:
            return ()
        return sorted(each[-1] for each in self._ask("list_views", name))

    def table(self, name: Name) -> Any:
        """A table of pyiceberg, with its metadata."""
        if self.kind != REST:
            self.calls += 1
        return self._ask("load_table", name)

    def view(self, name: Name) -> Any:
        """A view of pyiceberg, with its metadata."""
        return self._ask("load_view", name)

    def _ask(self, operation: str, name: Name) -> Any:
        for attempt in stamina.retry_context(
            on=_worth_another, attempts=TRIES, timeout=None, wait_initial=0.2, wait_max=5.0
        ):
            with attempt, self._limiter.call(LIMIT, operation):
                return self._once(operation, lambda: getattr(self._current(), operation)(name))
        raise AssertionError  # pragma: no cover - the last attempt raises

    def _once(self, operation: str, call: Callable[[], Any]) -> Any:
        if self._stop.is_set():
            raise TimedOut(f"{operation} was cancelled")
        self.calls += 1
        try:
            return call()
        except Exception as error:
            known = classify(error)
            if known is None:
                raise
            raise self._plain(known) from None

    def _current(self) -> Any:
        """The catalogue; opened anew when the keys of a role were renewed."""
        keys = credentials(self._session).get_frozen_credentials() if self._session else None
        if self._opened is None or keys != self._keys:
            self.close()
            self._keys = keys
            given = self._given()
            self._opened = opened(self.catalog, given, self._session, self._aws, self._timeout)
        return self._opened.catalogue

    def _given(self) -> properties.Properties:
        found: properties.Properties = dict(properties.FILES)
        if self.catalog.warehouseLocation:
            found["warehouse"] = self.catalog.warehouseLocation
        if self._aws:
            found |= properties.aws(self._aws, self._keys, self._timeout)
        if azure := properties.of_azure(self.catalog.connection):
            found |= properties.azure(azure)
        return found | self._options

    def _plain(self, error: RayingestError) -> RayingestError:
        text = str(error)
        for each in self._hidden:
            text = text.replace(each, "***")
        if isinstance(error, Unreachable) and (where := _host(self.catalog)):
            return Unreachable(f"{where} does not answer: {text}", hint=ADDRESS)
        error.args = (text,)
        return error


def _worth_another(error: Exception) -> bool:
    return isinstance(error, Retryable) and not isinstance(error, TimedOut)


def _host(catalog: Catalog) -> str:
    """Host and port of a catalogue that has an address."""
    uri = getattr(catalog.connection, "uri", "")
    return urlsplit(uri).netloc.rpartition("@")[2]


def _at(value: Any, path: Sequence[str | int]) -> str:
    for key in path:
        value = getattr(value, str(key)) if isinstance(value, BaseModel) else value[key]
    return str(value.get_secret_value())
