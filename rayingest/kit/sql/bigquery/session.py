"""One client of one project: queries and listings counted, with deadlines, to be cancelled."""

import threading
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from rayingest.core.limits import Limiter
from rayingest.errors import Gone, TimedOut
from rayingest.kit.sql.bigquery.errors import classify
from rayingest.model import Tag

Row = tuple[Any, ...]
Names = Mapping[str, Sequence[str]]  # dataset -> names of things in it

PAGE = 1000  # items of a listing; Google may give fewer
API = "api"


class BigQuerySession:
    """A client whose queries are paid by `client.project`, and which reads `database`.

    `emulated` ones lack some views (`queries.View.absent`): nothing is asked of those. `policy_tags`
    finds the tags of their resource names.
    """

    def __init__(
        self,
        client: Any,
        database: str,
        *,
        seconds: float,
        limiter: Limiter,
        emulated: bool,
        web: Any = None,
    ) -> None:
        """Wrap a client; `web` is the signed HTTP session that it speaks through."""
        self.client = client
        self.database = database
        self.calls = 0
        self.emulated = emulated
        self.whole_regions = not emulated  # until one is denied
        self.changes_told = True  # until a dataset does not tell, and the user was told so
        self.outside: set[str] = set()  # datasets that their region's views do not show
        self._seconds = seconds
        self._limiter = limiter
        self._web = web
        self.policy_tags: Callable[[Sequence[str]], tuple[Tag, ...]] = _none
        self._job: Any = None
        self._cancelled = False
        self._locations: dict[str, str] = {}

    def rows(
        self, query: str, parameters: Mapping[str, Sequence[str]], location: str | None
    ) -> list[Row]:
        """Run one statement; its parameters are lists of texts."""
        config = _config(parameters)
        config.job_timeout_ms = int(self._seconds * 1000)
        with self._call("query"):
            try:
                job = self._begin(query, config, location)
                result = job.result(timeout=self._seconds, retry=None)
                return [tuple(row) for row in result]
            finally:
                self._job = None

    def judge(
        self, query: str, parameters: Mapping[str, Sequence[str]], location: str | None
    ) -> None:
        """Have a statement and the rights to it judged, without running it: that costs nothing."""
        config = _config(parameters)
        config.dry_run = True
        with self._call("query"):
            self._begin(query, config, location)

    def pages(self, list_: Callable[..., Any], *arguments: Any) -> Iterator[dict[str, Any]]:
        """The resources of a listing, page by page, as Google sends them."""
        found = list_(*arguments, page_size=PAGE, retry=None, timeout=self._seconds)
        pages = found.pages
        self._cancelled = False
        while True:
            with self._call("list"):
                page = next(pages, None)
            # Google's classes hide half of what their resources tell.
            yield from (each._properties for each in page or ())  # noqa: SLF001
            if self._cancelled:
                raise TimedOut("The listing was cancelled.")
            if not found.next_page_token:
                return

    def datasets(self) -> Iterator[dict[str, Any]]:
        """The project's datasets, hidden ones left out."""
        for each in self.pages(self.client.list_datasets, self.database):
            self._locations[each["datasetReference"]["datasetId"]] = each.get("location") or "US"
            yield each

    def dataset(self, name: str) -> dict[str, Any]:
        """One dataset in full."""
        with self._call("get"):
            found = self.client.get_dataset(
                f"{self.database}.{name}", retry=None, timeout=self._seconds
            )
        return dict(found.to_api_repr())

    def fetch(self, url: str, **parameters: str) -> dict[str, Any]:
        """What another of Google's services answers to a GET."""
        core: Any = import_module("google.api_core.exceptions")
        with self._call("fetch"):
            answer = self._web.request("GET", url, params=parameters)
            if not answer.ok:
                raise core.from_http_response(answer)
        return dict(answer.json())

    def by_location(self, names: Names) -> dict[str, Names]:
        """Where datasets lie; one that is gone lies nowhere. A statement reads in one place only."""
        if any(each not in self._locations for each in names):
            for _ in self.datasets():
                pass
        found: dict[str, dict[str, Sequence[str]]] = {}
        for name, below in names.items():
            if location := self._locations.get(name) or self._location(name):
                found.setdefault(location, {})[name] = below
        return dict(found)

    def _location(self, name: str) -> str | None:
        """Of one that no listing shows: it is hidden, or gone."""
        try:
            location = str(self.dataset(name).get("location") or "US")
        except Gone:
            return None
        self._locations[name] = location
        return location

    @contextmanager
    def _call(self, route: str) -> Generator[None]:
        """Count a call, and raise what its error means: the limiter must see when it is too much."""
        self.calls += 1
        with self._limiter.call(API, route):
            try:
                yield
            except Exception as error:
                known = classify(error)
                if known is None:
                    raise
                raise known from error

    def _begin(self, query: str, config: Any, location: str | None) -> Any:
        # The id is ours, so that a job can be cancelled whose beginning nobody has confirmed yet.
        name = f"rayingest-{uuid.uuid4()}"
        self._job, self._cancelled = (name, location), False
        job = self.client.query(
            query,
            job_config=config,
            job_id=name,
            location=location,
            retry=None,
            job_retry=None,
            timeout=self._seconds,
        )
        if self._cancelled:
            self._cancel(name, location)
        return job

    def cancel(self) -> None:
        """Have the running query stopped; a listing stops after its page."""
        self._cancelled = True
        if (job := self._job) is not None:
            threading.Thread(
                target=self._cancel, args=job, name="bigquery-cancel", daemon=True
            ).start()

    def _cancel(self, name: str, location: str | None) -> None:
        with suppress(Exception):  # it has ended, or Google has it stopped after jobTimeoutMs
            self.client.cancel_job(name, location=location, retry=None, timeout=5)

    def close(self) -> None:
        """Close the client's connections."""
        with suppress(Exception):
            self.client.close()


def _none(names: Sequence[str]) -> tuple[Tag, ...]:
    return ()


def _config(parameters: Mapping[str, Sequence[str]]) -> Any:
    bigquery: Any = import_module("google.cloud.bigquery")
    return bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ArrayQueryParameter(name, "STRING", list(values))
            for name, values in parameters.items()
        ],
        labels={"program": "rayingest"},
    )


def spread(names: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Names by their dataset, each once, in order."""
    found: dict[str, dict[str, None]] = {}
    for schema, name in names:
        found.setdefault(schema, {})[name] = None
    return {schema: list(each) for schema, each in found.items()}


def quoted(*names: str) -> str:
    """Names between backticks, joined by dots."""
    escaped = (each.replace("\\", "\\\\").replace("`", "\\`") for each in names)
    return ".".join(f"`{each}`" for each in escaped)
