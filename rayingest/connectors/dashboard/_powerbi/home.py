"""A workspace of a scan, and how its items refer to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rayingest.kit.dashboards import text
from rayingest.kit.rest.kinds import Site
from rayingest.model import Entity, EntityType, Fact

WORKSPACE = EntityType.CONTAINER
DASHBOARD, MODEL = EntityType.DASHBOARD, EntityType.DASHBOARD_DATA_MODEL
KINDS = {"datasets": MODEL, "dataflows": MODEL, "reports": DASHBOARD, "dashboards": DASHBOARD}
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """What became of one item; `unknown` are tables whose origin is not understood."""

    entities: Sequence[Entity] = ()
    facts: Sequence[Fact] = ()
    unknown: Sequence[str] = ()


@dataclass(frozen=True)
class Home:
    """A workspace, and what its items are called, by their ids."""

    site: Site
    raw: Json
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Json, site: Site) -> "Home":
        """With the names of what may be referred to."""
        names = {
            str(identity(each, kind)): str(each.get("name") or "")
            for kind in KINDS
            for each in raw.get(kind) or ()
            if isinstance(each, Mapping)
        }
        return cls(site, raw, names)

    @property
    def project(self) -> str | None:
        """The name of the workspace."""
        return text(self.raw.get("name"))

    def url(self, path: str) -> str:
        """The address of something in the workspace."""
        return f"{self.site.place.url}/groups/{self.raw['id']}/{path}"

    def named(self, kind: EntityType, identity: object) -> str:
        """An FQN."""
        place = self.site.place
        return place.data_model(str(identity)) if kind is MODEL else place.named(identity)

    def reference(self, kind: EntityType, identity: object) -> str | None:
        """The FQN of what an item refers to; None for nothing, and for what is not read.

        Of what lies in another workspace nothing but the id is known.
        """
        if not identity or (kind is MODEL and not self.site.settings.options.includeDataModels):
            return None
        fqn = self.named(kind, identity)
        name = self.names.get(str(identity), "")
        return fqn if not name or self.site.keeps(kind, name, fqn) else None


def identity(raw: Any, kind: str) -> Any:
    """What one of these is identified by; None when it does not say."""
    key = "objectId" if kind == "dataflows" else "id"
    return raw.get(key) if isinstance(raw, Mapping) else None
