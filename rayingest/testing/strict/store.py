"""The entities the catalogue holds, by collection and FQN, by id, and by parent."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from rayingest.testing.strict import wire
from rayingest.testing.strict.errors import unknown
from rayingest.testing.strict.fqn import join
from rayingest.testing.strict.kinds import BY_ENTITY, KINDS, Kind
from rayingest.testing.strict.wire import Json


@dataclass(slots=True, eq=False)
class Entity:
    """What is held of one entity: the body last stored, as bytes, and what is asked for often."""

    kind: Kind
    id: str
    fqn: str
    name: str
    parent: "Entity | None"
    parent_field: str
    body: bytes = b"{}"
    columns: tuple[str, ...] = ()
    source_hash: str = ""
    revision: int = 1
    updated_at: int = 0
    deleted: bool = False
    children: "dict[Entity, None]" = field(default_factory=dict)

    def document(self) -> Json:
        """The body last stored."""
        body: Json = wire.decode(self.body)
        return body

    def reference(self) -> Json:
        """How another entity refers to this one."""
        return {
            "id": self.id,
            "type": self.kind.entity,
            "name": self.name,
            "fullyQualifiedName": self.fqn,
            "deleted": self.deleted,
        }

    def descendants(self) -> "Iterator[Entity]":
        """Everything under it, the nearest first."""
        for child in self.children:
            yield child
            yield from child.descendants()

    def ancestors(self) -> "dict[str, Entity]":
        """The field an entity shows each of its ancestors in -> that ancestor."""
        found: dict[str, Entity] = {}
        label, above = self.parent_field, self.parent
        while above is not None:
            found.setdefault(label, above)
            above = above.parent
            label = _label(above)
        return found

    def has_column(self, path: str) -> bool:
        """Whether a column is there, by its FQN below the table's; `address.street` is nested."""
        if path in self.columns and "." not in path:
            return True
        return path in set(column_paths(self.document().get("columns") or []))


def _label(entity: Entity | None) -> str:
    if entity is None:
        return ""
    return "service" if entity.kind.is_service else entity.kind.entity


def column_paths(columns: list[Json], above: str = "") -> Iterator[str]:
    """The FQNs of columns relative to their table, nested ones too."""
    for column in columns:
        path = join(above, column["name"])
        yield path
        yield from column_paths(column.get("children") or [], path)


def _new_id() -> str:
    # Five times cheaper than str(uuid.uuid4()), which a bulk of 100 rows would feel.
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


class Store:
    """All entities, lineage edges, uses and runs; not thread-safe: the caller holds the lock."""

    def __init__(self) -> None:
        self.by_fqn: dict[str, dict[str, Entity]] = {collection: {} for collection in KINDS}
        self.by_id: dict[str, Entity] = {}
        self.edges: dict[tuple[str, str], Json] = {}
        self.uses: dict[tuple[str, str], int] = {}  # by an entity's id and a day
        self.statuses: dict[str, dict[str, Json]] = {}
        self.progress: dict[tuple[str, str], Json] = {}

    def find(self, collection: str, fqn: str) -> Entity | None:
        """The entity of that FQN that is not deleted."""
        entity = self.by_fqn[collection].get(fqn)
        return None if entity is None or entity.deleted else entity

    def known(self, collection: str, fqn: str) -> Entity:
        """The entity of that FQN; refused with 404 when there is none."""
        entity = self.find(collection, fqn)
        if entity is None:
            raise unknown(KINDS[collection].entity, fqn)
        return entity

    def referred(self, reference: Json) -> Entity:
        """The entity of a reference `{id, type}`; refused with 404 when there is none."""
        entity = self.by_id.get(reference["id"].lower())
        if entity is None or entity.deleted or entity.kind.entity != reference["type"]:
            raise unknown(reference["type"], reference["id"])
        return entity

    def typed(self, entity_type: str, fqn: str) -> Entity:
        """The entity of that type and FQN; refused with 404 when there is none."""
        if entity_type not in BY_ENTITY:
            raise unknown(entity_type, fqn)
        return self.known(BY_ENTITY[entity_type].collection, fqn)

    def add(self, entity: Entity) -> None:
        """Hold a new entity, whose id is made here."""
        entity.id = _new_id()
        self.by_fqn[entity.kind.collection][entity.fqn] = entity
        self.by_id[entity.id] = entity
        if entity.parent is not None:
            entity.parent.children[entity] = None

    def forget(self, entity: Entity) -> None:
        """Remove an entity and all below it for good, with its edges."""
        gone = {one.id: one for one in (entity, *entity.descendants())}
        for one in gone.values():
            self.by_fqn[one.kind.collection].pop(one.fqn, None)
            self.by_id.pop(one.id, None)
        self.edges = {
            ends: edge for ends, edge in self.edges.items() if gone.keys().isdisjoint(ends)
        }
        self.uses = {of: count for of, count in self.uses.items() if of[0] not in gone}
        if entity.parent is not None:
            entity.parent.children.pop(entity, None)


def represent(entity: Entity, store: Store) -> Json:
    """The entity as the server answers it: others as references, columns with their FQN."""
    document: Json = {
        "id": entity.id,
        **entity.document(),
        "name": entity.name,
        "fullyQualifiedName": entity.fqn,
        "version": round(entity.revision / 10, 1),
        "updatedAt": entity.updated_at,
        "updatedBy": "ingestion-bot",
        "deleted": entity.deleted,
    }
    document |= {label: above.reference() for label, above in entity.ancestors().items()}
    # A field that a list lives in is never absent, so that a patch may add to it.
    for label in ("tags", "owners", "domains"):
        document[label] = document.get(label) or []
    for label, collection in entity.kind.references.items():
        held = store.by_fqn[collection]
        document[label] = [
            held[fqn].reference() for fqn in document.get(label) or () if fqn in held
        ]
    _name_columns(document.get("columns") or [], entity.fqn)
    return document


def _name_columns(columns: list[Json], above: str) -> None:
    for place, column in enumerate(columns, 1):
        column["fullyQualifiedName"] = join(above, column["name"])
        column.setdefault("ordinalPosition", place)
        column["tags"] = column.get("tags") or []
        _name_columns(column.get("children") or [], column["fullyQualifiedName"])


_COMPUTED = frozenset(("id", "fullyQualifiedName", "version", "updatedAt", "updatedBy", "deleted"))


def created_from(entity: Entity, document: Json) -> Json:
    """The create request that a (patched) representation stands for."""
    original = entity.document()
    computed = _COMPUTED | set(entity.ancestors())
    body = {
        key: value
        for key, value in document.items()
        if key not in computed and (key in original or value != [])
    }
    for label in entity.kind.references:
        if body.get(label):
            body[label] = [each["fullyQualifiedName"] for each in body[label]]
    return {**body, **{key: original[key] for key in computed if key in original}}
