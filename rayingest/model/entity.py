"""What all entities share: a type, a name, a fully qualified name, owners and tags.

Structs are frozen, snake_case in Python and camelCase when encoded (msgspec), so that a sink
can write most of an entity without copying it.
"""

from enum import StrEnum
from typing import Any, ClassVar

import msgspec


class EntityType(StrEnum):
    """Kinds of entity, in OpenMetadata's wire spelling."""

    DATABASE_SERVICE = "databaseService"
    DATABASE = "database"
    DATABASE_SCHEMA = "databaseSchema"
    TABLE = "table"
    STORED_PROCEDURE = "storedProcedure"
    DASHBOARD_SERVICE = "dashboardService"
    DASHBOARD = "dashboard"
    CHART = "chart"
    DASHBOARD_DATA_MODEL = "dashboardDataModel"
    PIPELINE_SERVICE = "pipelineService"
    PIPELINE = "pipeline"
    TOPIC = "topic"
    CONTAINER = "container"
    ML_MODEL = "mlmodel"
    SEARCH_INDEX = "searchIndex"

    @classmethod
    def parse(cls, text: str) -> "EntityType":
        """Accept the wire spelling, with underscores (`stored_procedure`), `datamodel`, any case.

        Raises ValueError that names the known spellings.
        """
        plain = text.replace("_", "").replace("-", "").replace(" ", "").lower()
        plain = {"datamodel": "dashboarddatamodel", "schema": "databaseschema"}.get(plain, plain)
        for each in cls:
            if plain in (each.value.lower(), each.value.lower() + "s"):
                return each
        known = ", ".join(each.value for each in cls)
        raise ValueError(f"There is no entity type {text!r}. Known: {known}.")


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A frozen value with OpenMetadata's spelling on the wire."""


class Tag(Struct, frozen=True, kw_only=True):
    """A tag of a classification: `classification` and `name` make its FQN."""

    classification: str
    name: str
    description: str | None = None


class Owner(Struct, frozen=True, kw_only=True):
    """Who owns an entity in the source: a login or role name, or an e-mail address."""

    name: str
    type: str = "user"


class Entity(Struct, frozen=True, kw_only=True):
    """Anything a source can describe.

    `name` is the source's own spelling; `fqn` is built by `core.fqn` and identifies the entity in
    the catalogue, together with its `type`.
    """

    type: ClassVar[EntityType]
    name: str
    fqn: str
    display_name: str | None = None
    description: str | None = None
    owners: tuple[Owner, ...] = ()
    tags: tuple[Tag, ...] = ()
    source_url: str | None = None


class Service(Entity, frozen=True, kw_only=True):
    """One system as the catalogue knows it; `service_type` is OpenMetadata's CamelCase name."""

    service_type: str


class Fact(Struct, frozen=True, kw_only=True):
    """Something about an entity that may belong to another service.

    `kind` is `lineage`, `usage`, `profile`, …; (`target_fqn`, `kind`, `key`) identifies it: writing
    it twice is writing it once.
    """

    target_type: EntityType
    target_fqn: str
    kind: str
    key: str
    payload: dict[str, Any]
