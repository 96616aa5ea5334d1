"""A session with a REST API: JSON in and out, below one URL, as somebody."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from rayingest.errors import Permanent, Unauthorised
from rayingest.kit.rest.auth import JSON, Auth, Fixed, SigV4
from rayingest.kit.rest.http import Answer, Http
from rayingest.kit.rest.pages import Pager, Told

NOBODY = Fixed()
Judge = Callable[[Any], None]


def _any_is_good(told: Any) -> None:
    """Judge nothing."""


def address(host_port: str, *suffixes: str) -> str:
    """A server's URL as people copy it: `https` when nothing is said, without `/` and these suffixes at its end."""
    url = host_port.strip().rstrip("/")
    for each in suffixes:
        url = url.removesuffix(each).rstrip("/")
    return url if "://" in url else f"https://{url}"


class Api:
    """Calls of one thread. A log-in that is not taken any more is renewed, once for each call.

    `renewals`: more often, where others may end it between a log-in and the call that it was for.
    """

    def __init__(self, url: str, http: Http, auth: Auth = NOBODY, *, renewals: int = 1) -> None:
        self.url = url
        self._http = http
        self._auth = auth
        self._renewals = renewals

    @property
    def calls(self) -> int:
        """Requests so far."""
        return self._http.calls

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def log_in(self) -> None:
        """Get what the requests carry. Raises Unauthorised."""
        self._auth.headers(self._http)

    def get(self, path: str, params: Mapping[str, str] | None = None, *, route: str = "") -> Any:
        """What is at a path. Raises the errors of `http`, and Permanent for what is no JSON."""
        return _read(self._answer("GET", path, params=params, route=route), path)

    def post(
        self,
        path: str,
        body: Any,
        *,
        route: str = "",
        judge: Judge = _any_is_good,
    ) -> Any:
        """What the server says to a body; `judge` sees it first, and raises what is wrong with it."""
        told: Any = None

        def judged(answer: Answer) -> None:
            nonlocal told
            told = _read(answer, path)
            judge(told)

        content = json.dumps(body).encode()
        self._answer("POST", path, content=content, route=route, judge=judged)
        return told

    def items(
        self, path: str, pager: Pager, params: Mapping[str, str] | None = None
    ) -> Iterator[Any]:
        """All items of a listing, page after page; whoever is told to wait waits here."""

        def ask(more: Mapping[str, str], url: str) -> Told:
            given = None if url else {**(params or {}), **more} or None
            with self.patiently():
                answer = self._answer("GET", url or path, params=given, route=path)
            return Told(_read(answer, path), answer.next_url)

        return pager.items(ask)

    @contextmanager
    def patiently(self) -> Iterator[None]:
        """A listing does not start anew because one of its calls came too early."""
        self._http.patient = True
        try:
            yield
        finally:
            self._http.patient = False

    def _answer(self, method: str, path: str, *, route: str, **given: Any) -> Answer:
        url = self._whole(path)
        for again in range(self._renewals, -1, -1):
            try:
                return self._once(method, url, route or path, given)
            except Unauthorised as error:
                if not (again and self._auth.renew()):
                    raise Unauthorised(str(error), hint=error.hint or self._auth.hint) from None
        raise AssertionError  # pragma: no cover - the last attempt raises

    def _once(self, method: str, url: str, route: str, given: Mapping[str, Any]) -> Answer:
        headers = {**self._auth.headers(self._http), "Accept": "application/json"}
        if given.get("content") is not None:
            headers |= JSON
        sign = self._auth.sign if isinstance(self._auth, SigV4) else None
        return self._http.request(method, url, headers=headers, route=route, sign=sign, **given)

    def _whole(self, path: str) -> str:
        """A path below our URL, or a URL of the same server: no other may see who we are."""
        if "://" not in path:
            return f"{self.url}{path}"
        if urlsplit(path)[:2] != urlsplit(self.url)[:2]:
            raise Permanent(
                f"The next page is said to be at {path}, which is another server than {self.url}.",
                hint="Write the address that the server calls itself by into hostPort.",
            )
        return path


def _read(answer: Answer, path: str) -> Any:
    try:
        return json.loads(answer.content)
    except ValueError:
        start = " ".join(answer.content[:60].decode("utf-8", "replace").split())
        raise Permanent(
            f"What is at {path} is no JSON; it begins with {start!r}.",
            hint="A proxy or a log-in page may answer instead of the API: check hostPort.",
        ) from None
