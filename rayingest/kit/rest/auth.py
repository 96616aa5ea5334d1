"""How a session shows who it is: headers that are fixed, or that a log-in gives and time takes away."""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx2

from rayingest.config.connection import AwsCredentials
from rayingest.errors import Denied, Gone, Permanent, Unauthorised
from rayingest.kit.aws.errors import CLOCK, classify
from rayingest.kit.aws.session import credentials, hidden, session
from rayingest.kit.rest.http import Http

EARLY = 60.0  # seconds before its end at which a token is renewed
SIGNED = {"host", "content-type"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


class Auth(Protocol):
    """Who asks; one for each session, for it remembers its token. `hint`: what to do when it is refused."""

    @property
    def hint(self) -> str:
        """What the user does when the server takes it not, or no more."""
        ...

    def headers(self, http: Http) -> Mapping[str, str]:
        """What each request carries; logs in when that is needed. Raises Unauthorised."""
        ...

    def renew(self) -> bool:
        """The server took the headers no more; answers whether the next ones are others."""
        ...


@dataclass(frozen=True)
class Fixed:
    """The same headers in each request."""

    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    hint: str = "Check the token, key or password of the connection, and whether it has expired."

    def headers(self, http: Http) -> Mapping[str, str]:
        """See Auth."""
        return self.given

    def renew(self) -> bool:
        """See Auth."""
        return False


def bearer(token: str) -> Fixed:
    """A token as RFC 6750 has it."""
    return Fixed({"Authorization": f"Bearer {token}"})


def basic(username: str, password: str) -> Fixed:
    """Name and password as RFC 7617 has them."""
    return Fixed({"Authorization": f"Basic {_encoded(username, password)}"})


def api_key(header: str, key: str) -> Fixed:
    """A key in a header of the vendor's own."""
    return Fixed({header: key})


@dataclass
class LogIn:
    """A token for a name and a password, by one POST: `path` below the API's URL.

    `token` is the key of the answer that has it (`data.token` goes deeper), `header` the one that
    carries it with `prefix` before it. `hint` says how credentials are had.
    """

    url: str
    body: Mapping[str, Any] = field(repr=False)
    token: str
    header: str = "Authorization"
    prefix: str = "Bearer "
    hint: str = "Check the credentials of the connection."
    _held: str = field(default="", repr=False)

    def headers(self, http: Http) -> Mapping[str, str]:
        """See Auth."""
        if not self._held:
            told = _taken(http, self.url, json.dumps(self.body).encode(), JSON, self.hint)
            self._held = _token(http, told, self.token, self.url)
        return {self.header: f"{self.prefix}{self._held}"}

    def renew(self) -> bool:
        """See Auth."""
        self._held = ""
        return True


@dataclass
class ClientCredentials:
    """OAuth 2.0 for a program: the grant of RFC 6749, section 4.4, renewed a minute before its end.

    `in_body`: the secret is sent in the form, for servers that take no Basic header (section 2.3.1).
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    in_body: bool = False
    hint: str = "Check client id, secret and scope of the connection."
    _held: str = field(default="", repr=False)
    _until: float = 0.0

    def headers(self, http: Http) -> Mapping[str, str]:
        """See Auth."""
        if not self._held or time.monotonic() > self._until:
            form = {"grant_type": "client_credentials"} | (
                {"scope": self.scope} if self.scope else {}
            )
            headers = dict(FORM)
            if self.in_body:
                form |= {"client_id": self.client_id, "client_secret": self.client_secret}
            else:
                headers["Authorization"] = f"Basic {_encoded(self.client_id, self.client_secret)}"
            told = _taken(http, self.url, urlencode(form).encode(), headers, self.hint)
            self._held = _token(http, told, "access_token", self.url)
            lasts = float(told.get("expires_in") or 3600)
            self._until = time.monotonic() + max(lasts - EARLY, lasts / 2)
        return {"Authorization": f"Bearer {self._held}"}

    def renew(self) -> bool:
        """See Auth."""
        self._held = ""
        return True


@dataclass
class SigV4:
    """Every request signed as AWS wants it, with credentials that renew themselves.

    An `Http` needs `stranger=kit.aws.errors.stranger` with it: AWS answers 403 to a wrong key, too.
    """

    aws: AwsCredentials = field(repr=False)
    service: str
    hint: str = CLOCK
    _held: Any = field(default=None, repr=False)

    def headers(self, http: Http) -> Mapping[str, str]:
        """See Auth: what shows who asks is the signature, made when a request is sent."""
        if self._held is None:
            for each in hidden(self.aws):
                http.hide(each)
            self._held = credentials(session(self.aws))
        return {}

    def renew(self) -> bool:
        """See Auth: keys that are written into the config are no others the next time."""
        self._held = None
        return bool(self.aws.assumeRoleArn or not self.aws.awsAccessKeyId)

    def sign(self, request: httpx2.Request) -> httpx2.Request:
        """The request with its signature; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html."""
        # AWS signs a space in a query as %20, and a client may write it as +.
        request.url = request.url.copy_with(query=request.url.query.replace(b"+", b"%20"))
        kept = {
            name: value
            for name, value in request.headers.items()
            if name in SIGNED or name.startswith("x-amz-")
        }
        plain: Any = import_module("botocore.awsrequest").AWSRequest(
            request.method, str(request.url), kept, request.content
        )
        signer: Any = import_module("botocore.auth").SigV4Auth
        try:
            given = self._held.get_frozen_credentials()
            signer(given, self.service, self.aws.awsRegion).add_auth(plain)
        except Exception as error:
            raise classify(error) or error from error
        request.headers.update(dict(plain.headers.items()))
        return request


def _encoded(name: str, secret: str) -> str:
    return base64.b64encode(f"{name}:{secret}".encode()).decode()


def _taken(
    http: Http, url: str, content: bytes, headers: Mapping[str, str], hint: str
) -> Mapping[str, Any]:
    try:
        answer = http.request("POST", url, content=content, headers=headers, route="log-in")
    except (Denied, Gone, Permanent, Unauthorised) as error:
        raise Unauthorised(f"These credentials are not taken: {error}", hint=hint) from None
    try:
        told = json.loads(answer.content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Permanent(f"{url} answers a log-in with something else than a JSON object.")
    return told


def _token(http: Http, told: Mapping[str, Any], key: str, url: str) -> str:
    found: Any = told
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if not found or not isinstance(found, str):
        raise Permanent(f"{url} answers a log-in without {key!r}.")
    http.hide(found)
    return found
