"""What entities refer to in the catalogue: owners are looked up once, tags are created once."""

import threading
from collections.abc import Iterable, Sequence

import msgspec

from rayingest.core import fqn
from rayingest.model import Owner, Tag
from rayingest.sinks import wire
from rayingest.sinks.openmetadata.client import Client
from rayingest.sinks.openmetadata.places import escape

_COLLECTIONS = {"user": ("users", "teams"), "team": ("teams", "users")}


class Owners:
    """Entity references for owners, by name; unknown ones are dropped and counted."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._found: dict[tuple[str, str], wire.Reference | None] = {}
        self._lock = threading.Lock()

    @property
    def unknown(self) -> list[str]:
        """Names that the catalogue has neither as a user nor as a team."""
        return sorted(name for (_, name), found in list(self._found.items()) if found is None)

    def __call__(self, owners: Sequence[Owner]) -> tuple[wire.Reference, ...]:
        """References to the owners that exist. Raises SinkDown or SinkUnauthorised."""
        found = dict.fromkeys(self._reference(owner) for owner in owners)
        found.pop(None, None)
        return tuple(each for each in found if each is not None)

    def _reference(self, owner: Owner) -> wire.Reference | None:
        key = (owner.type, owner.name)
        with self._lock:  # one look-up at a time: a name is asked for once, and there are few
            if key not in self._found:
                self._found[key] = self._look_up(owner)
            return self._found[key]

    def _look_up(self, owner: Owner) -> wire.Reference | None:
        # OpenMetadata names a user by the part of the e-mail address before the @.
        name = owner.name.partition("@")[0] or owner.name
        for collection in _COLLECTIONS.get(owner.type, ("users", "teams")):
            reply = self._client.call("GET", f"/{collection}/name/{escape(fqn.quote(name))}")
            if reply.ok and isinstance(reply.data, dict) and "id" in reply.data:
                return wire.Reference(id=str(reply.data["id"]), type=collection.removesuffix("s"))
        return None


class Tags:
    """Classifications and tags that must exist before an entity wears them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._made: set[str] = set()
        self._wanted: dict[str, Tag] = {}
        self._lock = threading.Lock()
        self.problems: dict[str, str] = {}

    def want(self, tags: Iterable[Tag]) -> None:
        """Remember tags of an encoded entity; `make` creates them before the next write."""
        for tag in tags:
            name = fqn.join(tag.classification, tag.name)
            if name not in self._made:
                self._wanted[name] = tag

    def make(self) -> None:
        """Create what is wanted. Raises SinkDown or SinkUnauthorised; refusals are remembered."""
        if not self._wanted:
            return
        with self._lock:
            for name, tag in list(self._wanted.items()):
                if name not in self._made:
                    self._make(name, tag)
                self._wanted.pop(name, None)

    def _make(self, name: str, tag: Tag) -> None:
        above = fqn.quote(fqn.encode(tag.classification))
        if above not in self._made:
            body = {
                "name": fqn.encode(tag.classification),
                "description": f"Tags that {tag.classification} assigns, as rayingest found them.",
            }
            self._put("/classifications", body, above)
        body = {
            "classification": above,
            "name": fqn.encode(tag.name),
            "description": tag.description or tag.name,
        }
        self._put("/tags", body, name)

    def _put(self, path: str, body: dict[str, str], name: str) -> None:
        # What is there stays as it is: somebody may have described it better than we can.
        reply = self._client.call("GET", f"{path}/name/{escape(name)}")
        if not reply.ok:
            reply = self._client.call("PUT", path, msgspec.json.encode(body))
        self._made.add(name)
        if not reply.ok:
            self.problems[name] = f"{name} could not be created ({reply.status}: {reply.message})"
