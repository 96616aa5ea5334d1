"""What launching asks of Kubernetes: a port, small enough to be served by anything that speaks its API.

Objects are plain JSON, as they are in manifests. https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Json = dict[str, Any]
Verb = Literal["get", "list", "watch", "create", "delete", "patch"]
WATCH_SECONDS = 30.0
"""How long a watch goes on before what it follows is read again: what it may have missed is then seen."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects: `ray.io/v1`, RayJob, rayjobs."""

    api: str
    name: str
    plural: str

    @property
    def group(self) -> str:
        """The API group; that of pods and secrets is empty."""
        return self.api.rpartition("/")[0]

    @property
    def path(self) -> str:
        """Where the API has it: `apis/ray.io/v1`."""
        return f"apis/{self.api}" if self.group else f"api/{self.api}"


RAY_JOBS = Kind("ray.io/v1", "RayJob", "rayjobs")
SECRETS = Kind("v1", "Secret", "secrets")
PODS = Kind("v1", "Pod", "pods")
EVENTS = Kind("v1", "Event", "events")
WORKFLOWS = Kind("argoproj.io/v1alpha1", "Workflow", "workflows")
KINDS = {each.name: each for each in (RAY_JOBS, SECRETS, PODS, EVENTS, WORKFLOWS)}


@dataclass(frozen=True, slots=True)
class Listing:
    """Objects, and the version of the cluster from which a watch of them goes on."""

    items: tuple[Json, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a watch tells: `ADDED`, `MODIFIED` or `DELETED`, and the object as it is, or last was."""

    type: str
    object: Json


class Cluster(Protocol):
    """A Kubernetes cluster, as one account sees it.

    Every call raises ClusterError: NotThere, AlreadyThere, NotAllowed, NotNow. A namespace of None is
    `namespace`, that of the account's context.
    """

    namespace: str
    address: str

    def served(self, api: str) -> frozenset[str]:
        """The plurals of an API's kinds; none when the cluster does not serve it."""
        ...

    def versions(self, group: str) -> tuple[str, ...]:
        """The versions of an API group that are served; none when it has never heard of it."""
        ...

    def may(self, verb: Verb, kind: Kind, namespace: str | None, part: str = "") -> bool:
        """Whether the account may do this; `part` is a subresource, such as `log`."""
        ...

    def create(self, document: Json, namespace: str | None, *, dry_run: bool = False) -> Json:
        """Create an object, with unknown fields refused; as it is now. `dry_run`: see that it would be."""
        ...

    def get(self, kind: Kind, name: str, namespace: str | None) -> Json:
        """One object."""
        ...

    def list(self, kind: Kind, namespace: str | None, labels: Mapping[str, str]) -> Listing:
        """The objects with these labels; an empty value stands for any."""
        ...

    def watch(
        self, kind: Kind, name: str, namespace: str | None, version: str, seconds: float
    ) -> Iterator[Change]:
        """Changes of one object after a version, for so long. Raises TooOld as well."""
        ...

    def delete(self, kind: Kind, name: str, namespace: str | None) -> None:
        """Delete an object; what it owns goes in the background."""
        ...

    def log(
        self, pod: str, container: str, namespace: str | None, *, follow: bool
    ) -> Iterator[str]:
        """The lines of a container's log; all that come, when it is followed."""
        ...
