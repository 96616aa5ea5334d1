"""A Ray cluster that is there, asked by what its dashboard serves: its version, packages and jobs.

https://docs.ray.io/en/latest/cluster/running-applications/job-submission/rest.html; a package is sent as
Ray's own client sends a `working_dir`. Nothing of Ray is imported, so its version here does not matter.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import quote

import httpx2
import stamina

from rayingest.core.waiting import retry_after
from rayingest.errors import AlreadyThere, ClusterError, NotAllowed, NotNow, NotThere
from rayingest.launch.token import ADDRESS, checked, token, vouching

TRIES = 4
SECONDS = 60.0  # the first job of a cluster waits for a process that starts jobs
CONNECT_SECONDS = 10.0
LONGEST = 600  # characters of what the cluster says that are told
LONGEST_WAIT = 30.0
PASSING = {408, 429, 500, 502, 503, 504}
Json = dict[str, Any]


def connected(address: str | None = None, environ: Mapping[str, str] | None = None) -> "Dashboard":
    """The cluster at `http://HOST:8265`, or where RAY_API_SERVER_ADDRESS says. Raises ConfigError."""
    environ = os.environ if environ is None else environ
    url = checked(address or environ.get(ADDRESS))
    timeout = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
    return Dashboard(httpx2.Client(base_url=url, headers=vouching(token(environ)), timeout=timeout))


class Dashboard:
    """A cluster that is asked by one thread at a time; `close` it.

    Every call raises ClusterError: NotThere, AlreadyThere, NotAllowed, NotNow.
    """

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self.address = str(client.base_url).rstrip("/")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def vouched(self) -> bool:
        """Whether a token goes with every call."""
        return "authorization" in self._client.headers

    def version(self) -> str:
        """The version of Ray that the cluster runs."""
        try:
            told = _object(self._asked("GET", "api/version"), self.address).get("ray_version")
        except NotThere:
            told = None
        if not isinstance(told, str):
            raise ClusterError(
                f"What answers at {self.address} is no Ray dashboard: it tells no version of Ray.",
                hint=_WHICH,
            )
        return told

    def upload(self, name: str, data: bytes) -> None:
        """Keep a package, for as long as something refers to it."""
        path = f"api/packages/gcs/{name}"
        try:
            # Asking also keeps what is or will be there, for ten minutes, until a job refers to it.
            self._asked("GET", path)
        except NotThere:
            self._asked("PUT", path, content=data)

    def submit(self, job: Json) -> None:
        """Start a job; what may pass is tried again, for one name makes one job."""
        self._asked("POST", "api/jobs/", content=json.dumps(job).encode())

    def job(self, name: str) -> Json:
        """What the cluster knows of a job."""
        return _object(self._asked("GET", _path(name)), self.address)

    def jobs(self) -> list[Json]:
        """All jobs that were submitted, and drivers that came by themselves."""
        told = _parsed(self._asked("GET", "api/jobs/"), self.address)
        return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []

    def log(self, name: str) -> str:
        """All that a job has said until now."""
        told = _object(self._asked("GET", f"{_path(name)}/logs"), self.address).get("logs")
        return told if isinstance(told, str) else ""

    def stop(self, name: str) -> bool:
        """Ask a job to end; whether it was running. Nobody waits here until it has."""
        told = _object(self._asked("POST", f"{_path(name)}/stop"), self.address)
        return told.get("stopped") is True

    def _asked(self, method: str, path: str, *, content: bytes | None = None) -> bytes:
        """The answer, after a few tries of what may pass."""
        headers = {"Content-Type": "application/json"} if method == "POST" else {}
        for attempt in stamina.retry_context(on=_worth_another, attempts=TRIES, timeout=None):
            with attempt, self._met():
                answer = self._client.request(method, path, content=content, headers=headers)
                self._refuse(answer)
                return answer.content
        raise AssertionError  # pragma: no cover - the last attempt raises

    @contextmanager
    def _met(self) -> Iterator[None]:
        """Whatever the wire does becomes an error of ours."""
        try:
            yield
        except httpx2.TransportError as error:
            told = f"{type(error).__name__} {error}".strip()
            raise NotNow(
                f"Ray's dashboard at {self.address} does not answer: {told}", hint=_REACHED
            ) from None
        except httpx2.HTTPError as error:  # an answer that cannot be decoded
            raise NotNow(f"Ray's dashboard at {self.address} answers in pieces: {error}") from None

    def _refuse(self, answer: httpx2.Response) -> None:
        if answer.is_success:
            return
        code, told = answer.status_code, _last_line(answer.text)
        if answer.has_redirect_location:
            where = answer.headers["Location"].partition("?")[0]
            raise ClusterError(
                f"{self.address} leads on to {where}, which is no answer of Ray's.",
                hint="Name the address that it leads to; a page to log in at lets no program in.",
            )
        if code in (401, 403):
            had = "does not accept our token" if self.vouched else "wants a token"
            raise NotAllowed(f"The Ray cluster at {self.address} {had}: {told}", hint=_VOUCH)
        if code == 404:
            raise NotThere(f"The Ray cluster at {self.address} says: {told}")
        if "already exists" in told:
            raise AlreadyThere(told)
        if code in PASSING:
            wait = retry_after(answer.headers.get("Retry-After"))
            raise NotNow(
                f"The Ray cluster at {self.address} has trouble ({code}): {told}", wait=wait
            )
        raise ClusterError(
            f"The Ray cluster at {self.address} refuses ({code}): {told}", hint=_WHICH
        )


_WHICH = (
    "Ray's dashboard is where `ray start --head` says, http://HOST:8265 if nobody says otherwise."
)
_REACHED = (
    "Is it the dashboard's address, and reached from here? "
    "`kubectl port-forward service/NAME-head-svc 8265`; a VPN, a proxy (NO_PROXY)?"
)
_VOUCH = (
    "RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH, has the cluster's token; of a RayCluster of Kubernetes the "
    "Secret of its name has it. A proxy before the dashboard may want another one."
)


def _path(name: str) -> str:
    return f"api/jobs/{quote(name, safe='')}"


def _parsed(content: bytes, address: str) -> Any:
    """JSON; a page is no Ray at all, anything else may have been torn."""
    try:
        return json.loads(content)
    except ValueError:
        if content.lstrip().startswith(b"<"):
            raise ClusterError(
                f"What answers at {address} is no Ray dashboard: a page came.", hint=_WHICH
            ) from None
        raise NotNow(f"Ray's dashboard at {address} answers in pieces: no JSON came.") from None


def _object(content: bytes, address: str) -> Json:
    told = _parsed(content, address)
    return told if isinstance(told, dict) else {}


def _last_line(text: str) -> str:
    """What it comes to: Ray tells its errors as tracebacks."""
    if text.lstrip().startswith("<"):
        return "a page"
    lines = [line.strip() for line in text.splitlines() if line.strip(" .")]
    return (lines[-1] if lines else "without a word")[:LONGEST]


def _worth_another(error: Exception) -> bool | float:
    if not isinstance(error, NotNow) or (error.wait or 0.0) > LONGEST_WAIT:
        return False
    return True if error.wait is None else error.wait
