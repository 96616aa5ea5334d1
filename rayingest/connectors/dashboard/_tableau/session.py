"""A sign-in that the sessions of a run share, and calls below the site that it is for.

A personal access token has one sign-in at a time: the next one ends it
(https://help.tableau.com/current/server/en-us/security_personal_access_tokens.htm). What a sign-in
gives may be used by many at once, so a run signs in once, and again when that is forgotten.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rayingest.errors import Denied, Gone, MissingDriver, Permanent, Unauthorised
from rayingest.kit.rest.api import Api
from rayingest.kit.rest.auth import JSON
from rayingest.kit.rest.http import Http
from rayingest.kit.rest.pages import Ask, Restless, inside, numbered

PAGE = 1000  # the most: https://help.tableau.com/current/api/rest_api/en-us/REST/rest_api_concepts_paging.htm
OLDEST = "2.4"  # every server that is supported answers `serverInfo` of this version
# The order of a listing is undefined without one.
SORT = {"sort": "createdAt:asc,name:asc"}
RENEWALS = 5  # workers on other machines may end our sign-in by theirs
READ_AS = {"Accept": "application/json"}


class Ticket:
    """What a sign-in gave: one for all sessions of a process, the newest for all of them.

    A worker elsewhere begins with what the driver's sign-in gave. On its way the token is `sealed` (Fernet,
    under a key made of the secret of the personal access token), so that only who could sign in himself
    can use it. Where a password signs in, of which a key could be guessed, it stays behind: each
    process has a sign-in of its own then.
    """

    def __init__(
        self, token: str = "", site: str = "", version: str = "", sealed: bytes = b""
    ) -> None:
        self.token, self.site, self.version = token, site, version
        self.lock = threading.Lock()
        self._sealed = sealed
        self._key = b""

    def seal_with(self, secret: str) -> None:
        """Take the key, and what was sealed with it. Raises MissingDriver."""
        with self.lock:
            self._key = base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())
            fernet, invalid = _fernet()
            sealed, self._sealed = self._sealed, b""
            if sealed and not self.token:
                with suppress(invalid):
                    self.token = fernet(self._key).decrypt(sealed).decode()

    def __reduce__(self) -> tuple[type["Ticket"], tuple[str, str, str, bytes]]:
        """Travel without the lock, and with the token sealed."""
        sealed = self._sealed
        if self.token and self._key:
            sealed = _fernet()[0](self._key).encrypt(self.token.encode())
        return Ticket, ("", self.site, self.version, sealed)


def _fernet() -> tuple[Any, type[Exception]]:
    try:
        from cryptography.fernet import Fernet, InvalidToken
    except ImportError as error:
        raise MissingDriver("tableau", "cryptography") from error
    return Fernet, InvalidToken


@dataclass
class SignIn:
    """Who asks, for one session; see Auth. `credentials` is the body of a sign-in."""

    url: str
    credentials: Mapping[str, Any] = field(repr=False)
    ticket: Ticket = field(repr=False)
    version: str = ""
    hint: str = ""
    _refused: str = field(default="", repr=False)
    _used: str = field(default="", repr=False)

    def headers(self, http: Http) -> Mapping[str, str]:
        """See Auth."""
        with self.ticket.lock:
            if self.ticket.token in {"", self._refused}:
                self._sign_in(http)
            token = self.ticket.token
        if token != self._used:
            http.hide(token)
            self._used = token
        return {"X-Tableau-Auth": self._used}

    def renew(self) -> bool:
        """See Auth: what another session has got since is as good as a sign-in of our own."""
        self._refused = self._used
        return True

    def base(self, http: Http) -> str:
        """The path of the site, which is known when somebody has signed in."""
        if not self.ticket.site:
            self.headers(http)
        return f"/api/{self.ticket.version}/sites/{self.ticket.site}"

    def _sign_in(self, http: Http) -> None:
        version = self.version or self.ticket.version or self._newest(http)
        content = json.dumps({"credentials": self.credentials}).encode()
        try:
            answer = http.request(
                "POST",
                f"{self.url}/api/{version}/auth/signin",
                content=content,
                headers={**JSON, **READ_AS},
                route="sign-in",
            )
        except (Denied, Gone, Permanent, Unauthorised) as error:
            raise Unauthorised(
                f"Tableau does not take this sign-in: {error}", hint=self.hint
            ) from None
        told = inside(_json(answer.content), "credentials")
        token, site = inside(told, "token"), inside(told, "site.id")
        if not token or not site:
            raise Permanent(f"{self.url} answers a sign-in without a token, or without a site.")
        self.ticket.token, self.ticket.site, self.ticket.version = token, site, version

    def _newest(self, http: Http) -> str:
        """The version of the API that the server says it has."""
        url = f"{self.url}/api/{OLDEST}/serverInfo"
        told = _json(http.request("GET", url, headers=READ_AS, route="server").content)
        version = inside(told, "serverInfo.restApiVersion")
        if not version:
            raise Permanent(
                f"{url} does not tell a version of the API.",
                hint="Check that hostPort is Tableau's address, or set apiVersion.",
            )
        return str(version)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


class Tableau(Api):
    """Calls of one thread; paths are below the site, but for those that begin with `/api/`."""

    def __init__(self, url: str, http: Http, sign_in: SignIn) -> None:
        super().__init__(url, http, sign_in, renewals=RENEWALS)
        self._sign_in = sign_in

    @property
    def ticket(self) -> Ticket:
        """What its sign-in gave, which others may use."""
        return self._sign_in.ticket

    def _whole(self, path: str) -> str:
        if not path.startswith("/api/"):
            path = f"{self._sign_in.base(self._http)}{path}"
        return super()._whole(path)


@dataclass(frozen=True)
class Pages:
    """`{"pagination": {…}, "workbooks": {"workbook": […]}}`; what is not there at all has no inner key."""

    many: str
    one: str
    size: int = PAGE

    def items(self, ask: Ask) -> Iterator[Any]:
        """See Pager."""

        def page(number: int, size: int) -> tuple[list[Any], int]:
            try:
                body = ask({"pageNumber": str(number), "pageSize": str(size)}, "").body
            except Permanent as error:
                if number == 1:
                    raise
                # Pages behind the end are refused, which was not there when we set out.
                raise Restless(f"Page {number} is refused: {error}") from None
            items, total = self._page(body)
            if not items and (number - 1) * size < total:
                raise Permanent(f"Page {number} of {self.many} is empty, of {total} in all.")
            return items, total

        return numbered(page, self.size, lambda each: str(each["id"]), exact=True)

    def _page(self, body: Any) -> tuple[list[Any], int]:
        total, found = inside(body, "pagination.totalAvailable"), inside(body, self.many)
        if total is None or not isinstance(found, Mapping):
            raise Permanent(f"The answer is no list of {self.many}.")
        return several(found, self.one), int(total)


def several(found: Any, one: str) -> list[Any]:
    """What stands at a key that is left out when there is none, and may be bare when there is one."""
    items = inside(found, one)
    if items is None:
        return []
    return items if isinstance(items, list) else [items]
