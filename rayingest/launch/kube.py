"""The port of launching, over HTTP. Where the cluster is, and who asks, lightkube finds out.

lightkube reads the kubeconfig, or the account of the pod that this is; its own calls cannot ask for unknown
fields to be refused (1.0.1), and an API server that is not asked drops them without a word. So the calls
are plain ones: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import stamina
import yaml

from rayingest.core.waiting import retry_after
from rayingest.errors import (
    AlreadyThere,
    ClusterError,
    ConfigError,
    MissingDriver,
    NotAllowed,
    NotNow,
    NotThere,
    TooOld,
)
from rayingest.launch.cluster import KINDS, Change, Json, Kind, Listing, Verb

TRIES = 4
SECONDS = 30.0
CONNECT_SECONDS = 10.0
LONGEST = 600  # characters of what the server says that are told
LONGEST_WAIT = 30.0
PAGE = "500"
MANAGER = "rayingest"
_AGAIN = {408, 429, 500, 502, 503, 504}


def connected(context: str | None = None) -> "Kube":
    """The cluster of the pod that this is, of KUBECONFIG or ~/.kube/config. Raises ConfigError, MissingDriver."""
    try:
        from lightkube.config.client_adapter import Client, ConnectionParams
        from lightkube.config.kubeconfig import KubeConfig
        from lightkube.core.exceptions import ConfigError as Misconfigured
    except ImportError as error:
        raise MissingDriver("k8s", error.name or "lightkube") from None
    try:
        chosen = KubeConfig.from_env().get(context)
        if chosen is None or chosen.user is None:
            raise ConfigError("No Kubernetes cluster is configured.", hint=_CONFIGURED)
        timeout = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS)
        client = Client(chosen, ConnectionParams(timeout=timeout))
    except Misconfigured as error:
        raise ConfigError(
            f"No Kubernetes cluster can be asked: {error}.", hint=_CONFIGURED
        ) from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError) as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"The kubeconfig cannot be used: {told}", hint=_CONFIGURED) from None
    return Kube(client, namespace=chosen.namespace)


_CONFIGURED = "KUBECONFIG names a file, or ~/.kube/config is one; `kubectl config current-context` shows which."


class Kube:
    """A cluster that is asked by one thread at a time; `close` it."""

    def __init__(self, client: httpx2.Client, *, namespace: str) -> None:
        self._client = client
        self.namespace = namespace
        self.address = str(client.base_url).rstrip("/")

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def versions(self, group: str) -> tuple[str, ...]:
        """https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api."""
        try:
            told = self._asked("GET", f"apis/{group}")
        except NotThere:
            return ()
        return tuple(each["version"] for each in told.get("versions", []))

    def served(self, api: str) -> frozenset[str]:
        """The plurals of an API's kinds."""
        try:
            told = self._asked("GET", f"apis/{api}")
        except NotThere:
            return frozenset()
        return frozenset(each["name"] for each in told.get("resources", []))

    def may(self, verb: Verb, kind: Kind, namespace: str | None, part: str = "") -> bool:
        """https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access."""
        asked = {
            "namespace": namespace or self.namespace,
            "verb": verb,
            "group": kind.group,
            "resource": kind.plural,
            **({"subresource": part} if part else {}),
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        where = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        told = self._asked("POST", where, document=review, params=_STRICT)
        return told.get("status", {}).get("allowed") is True

    def create(self, document: Json, namespace: str | None, *, dry_run: bool = False) -> Json:
        """POST, with strict field validation: what the schema does not have is refused."""
        kind = KINDS[document["kind"]]
        params = {**_STRICT, **({"dryRun": "All"} if dry_run else {})}
        return self._asked("POST", self._path(kind, namespace), params=params, document=document)

    def get(self, kind: Kind, name: str, namespace: str | None) -> Json:
        """GET of one object."""
        return self._asked("GET", self._path(kind, namespace, name))

    def list(self, kind: Kind, namespace: str | None, labels: Mapping[str, str]) -> Listing:
        """All pages: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks."""
        wanted = ",".join(f"{key}={value}" if value else key for key, value in labels.items())
        params = {"limit": PAGE, **({"labelSelector": wanted} if wanted else {})}
        items: list[Json] = []
        while True:
            told = self._asked("GET", self._path(kind, namespace), params=params)
            items += told.get("items") or []
            head = told.get("metadata", {})
            if not (more := head.get("continue")):
                return Listing(tuple(items), head.get("resourceVersion", ""))
            params = {**params, "continue": more}

    def watch(
        self, kind: Kind, name: str, namespace: str | None, version: str, seconds: float
    ) -> Iterator[Change]:
        """A stream of JSON lines, which the server ends by itself."""
        params = {
            "watch": "true",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, round(seconds))),
        }
        for line in self._lines(self._path(kind, namespace), params, seconds + SECONDS):
            told = _json(line)
            if told.get("type") == "ERROR":
                raise _judged(told.get("object", {}).get("code", 0), told.get("object", {}))
            if told.get("type") != "BOOKMARK":
                yield Change(told["type"], told["object"])

    def delete(self, kind: Kind, name: str, namespace: str | None) -> None:
        """DELETE; what the object owns goes in the background."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        self._asked("DELETE", self._path(kind, namespace, name), document=options)

    def log(
        self, pod: str, container: str, namespace: str | None, *, follow: bool
    ) -> Iterator[str]:
        """GET of `pods/NAME/log`."""
        params = {"container": container, **({"follow": "true"} if follow else {})}
        path = f"{self._path(KINDS['Pod'], namespace, pod)}/log"
        yield from self._lines(path, params, None if follow else SECONDS)

    # --- calls ---

    def _path(self, kind: Kind, namespace: str | None, name: str = "") -> str:
        place = f"{kind.path}/namespaces/{namespace or self.namespace}/{kind.plural}"
        return f"{place}/{name}" if name else place

    def _asked(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        document: Json | None = None,
    ) -> Json:
        """The answer, after a few tries of what may pass.

        One that is torn may have done its work: who creates meets AlreadyThere then, and who deletes
        NotThere.
        """
        for attempt in stamina.retry_context(
            on=_worth_another, attempts=TRIES, timeout=None, wait_initial=0.2, wait_max=5.0
        ):
            with attempt, self._met():
                answer = self._client.request(method, path, params=params, json=document)
                _refuse(answer)
                return _json(answer.content)
        raise AssertionError  # pragma: no cover - the last attempt raises

    def _lines(self, path: str, params: Mapping[str, str], seconds: float | None) -> Iterator[str]:
        timeout = httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS, read=seconds)
        with (
            self._met(),
            self._client.stream("GET", path, params=params, timeout=timeout) as answer,
        ):
            if not answer.is_success:
                answer.read()
            _refuse(answer)
            yield from answer.iter_lines()

    @contextmanager
    def _met(self) -> Iterator[None]:
        """Whatever the wire does becomes an error of ours."""
        from lightkube.core.exceptions import ConfigError as Misconfigured

        host = urlsplit(self.address).netloc
        try:
            yield
        except Misconfigured as error:  # a plug-in that was to bring a token
            raise ConfigError(f"Nobody vouches for us at {host}: {error}") from None
        except httpx2.TransportError as error:
            told = f"{type(error).__name__} {error}".strip()
            hint = "Is it the right cluster? `kubectl config current-context`; a VPN, a proxy (NO_PROXY)?"
            raise NotNow(f"Kubernetes at {host} does not answer: {told}", hint=hint) from None
        except OSError as error:  # a plug-in that is not installed
            raise ConfigError(f"Nobody vouches for us at {host}: {error}") from None


_STRICT = {"fieldValidation": "Strict", "fieldManager": MANAGER}


def _json(content: bytes | str) -> Json:
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise NotNow("What answers at the cluster's address is no Kubernetes API: no JSON came.")
    return told


def _refuse(answer: httpx2.Response) -> None:
    if answer.is_success:
        return
    try:
        said: Any = answer.json()
    except ValueError:
        said = {"message": answer.text}
    error = _judged(answer.status_code, said if isinstance(said, dict) else {})
    if isinstance(error, NotNow):
        error.wait = retry_after(answer.headers.get("Retry-After"))
    raise error


def _worth_another(error: Exception) -> bool | float:
    if not isinstance(error, NotNow) or (error.wait or 0.0) > LONGEST_WAIT:
        return False
    return True if error.wait is None else error.wait


def _judged(code: int, said: Json) -> ClusterError | ConfigError:
    """A Status object of the API as an error of ours.

    https://github.com/kubernetes/community/blob/main/contributors/devel/sig-architecture/api-conventions.md#response-status-kind
    """
    message = " ".join(str(said.get("message") or f"HTTP {code}").split())[:LONGEST]
    if code == 401:
        return ConfigError(
            f"Kubernetes does not know us: {message}",
            hint="The credentials of the kubeconfig have run out or are of another cluster: log in again.",
        )
    kinds: dict[int, type[ClusterError]] = {
        403: NotAllowed,
        404: NotThere,
        409: AlreadyThere,
        410: TooOld,
    }
    if code in kinds:
        return kinds[code](message)
    return NotNow(message) if code in _AGAIN else ClusterError(f"Kubernetes refuses: {message}")
