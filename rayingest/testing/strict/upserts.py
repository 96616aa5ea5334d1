"""Create or update entities, one or a bulk of them."""

from dataclasses import dataclass
from typing import Any

from rayingest.testing.strict import patch, rules, wire
from rayingest.testing.strict.errors import RefusedError, unknown
from rayingest.testing.strict.http import Answer, Request, failure, reply
from rayingest.testing.strict.kinds import Kind
from rayingest.testing.strict.state import Origin, State
from rayingest.testing.strict.store import Entity, Store, created_from, represent
from rayingest.testing.strict.wire import Json


@dataclass(slots=True)
class Row:
    """What became of one row."""

    fqn: str
    status: int
    message: str = ""
    document: Any = None
    entity: Entity | None = None

    @property
    def passed(self) -> bool:
        """Whether it is stored."""
        return self.status < 400


def put_one(state: State, request: Request, kind: Kind) -> Answer:
    """PUT: create or update; POST: create, 409 when it is there."""
    row = _upsert(state, request, kind).write(request.body)
    if row.entity is None:
        return failure(row.status, row.message)
    answer = reply(represent(row.entity, state.store), row.status)
    answer.rows = 1
    return answer


def put_many(state: State, request: Request, kind: Kind) -> Answer:
    """PUT a bare array of create requests; each row passes or fails by itself."""
    if request.flag("async"):
        return failure(400, "the strict catalogue answers bulk requests with async=false only")
    bodies = wire.split(request.body)
    if len(bodies) > state.options.max_rows:
        return failure(413, f"a bulk request may have {state.options.max_rows} rows")
    _refuse_poison(state, bodies)
    if state.options.whole_batch:
        _refuse_broken(state, kind, bodies)
    upsert = _upsert(state, request, kind)
    rows = [upsert.write(body) for body in bodies]
    return reply(bulk_result(rows, state.options.failed_request), rows=len(rows))


def bulk_result(rows: list[Row], failed_request: str = "fqn", *, dry_run: bool = False) -> Json:
    """A BulkOperationResult."""
    passed = [{"request": row.fqn, "status": 200} for row in rows if row.passed]
    failed = [
        {"request": _told(row, failed_request), "message": row.message, "status": row.status}
        for row in rows
        if not row.passed
    ]
    status = "partialSuccess" if passed and failed else "failure" if failed else "success"
    return {
        "dryRun": dry_run,
        "status": status,
        "numberOfRowsProcessed": len(rows),
        "numberOfRowsPassed": len(passed),
        "numberOfRowsFailed": len(failed),
        "successRequest": passed,
        "failedRequest": failed,
    }


def _told(row: Row, failed_request: str) -> Any:
    if failed_request == "fqn" or not isinstance(row.document, dict):
        return row.fqn
    return row.document.get("name") if failed_request == "name" else row.document


def _upsert(state: State, request: Request, kind: Kind) -> "_Upsert":
    return _Upsert(state, kind, Origin.of(request), request.flag("overrideMetadata"))


def _refuse_poison(state: State, bodies: list[bytes]) -> None:
    poisons = state.mischief.poisons
    if poisons is None or len(bodies) < 2:
        return
    if any(poisons(_name(body)) for body in bodies):
        raise RefusedError(400, "the batch cannot be read")


def _refuse_broken(state: State, kind: Kind, bodies: list[bytes]) -> None:
    for body in bodies:
        document = wire.decode(body)
        state.validate(kind.schema, document, kind.collection, rules.told_fqn(kind, document))


def _name(body: bytes) -> str:
    document = wire.decode(body)
    return str(document.get("name", "")) if isinstance(document, dict) else ""


@dataclass(frozen=True, slots=True)
class _Upsert:
    """One request's rows on their way into the store."""

    state: State
    kind: Kind
    origin: Origin
    override: bool

    def write(self, body: bytes) -> Row:
        """Store one row, or say why not; either way it is in the log."""
        row: Any = None
        try:
            row = wire.decode(body)
            entity, outcome, status = self._keep(row, body)
        except RefusedError as refused:
            return self._refuse(row, body, refused.status, refused.message)
        except (TypeError, LookupError, AttributeError, ValueError) as error:
            # The rules read what a schema would have refused: validation is later, or off.
            return self._refuse(row, body, 400, f"Unable to process JSON: {error!r}")
        self.state.record(
            self.origin, outcome=outcome, status=status, kind=self.kind, fqn=entity.fqn, body=body
        )
        return Row(entity.fqn, status, entity=entity)

    def _refuse(self, row: Any, body: bytes, status: int, message: str) -> Row:
        refused = Row(rules.told_fqn(self.kind, row), status, message, row)
        self.state.record(
            self.origin,
            outcome="refused",
            status=status,
            kind=self.kind,
            fqn=refused.fqn,
            body=body,
            message=message,
        )
        return refused

    def _keep(self, row: Json, body: bytes) -> tuple[Entity, str, int]:
        here, columns = self._admit(row)
        held = self.state.store.by_fqn[self.kind.collection].get(here.fqn)
        source_hash = row.get("sourceHash") or ""
        if held is None:
            held, outcome, status = self._add(here), "created", 201
        elif self.origin.method == "POST":
            raise RefusedError(409, "Entity already exists")
        elif held.source_hash == source_hash != "" and not (self.override or held.deleted):
            return held, "unchanged", 200
        else:
            held.revision += 1
            outcome, status = "updated", 200
        held.body, held.columns, held.source_hash = body, columns, source_hash
        held.deleted, held.updated_at = False, int(self.origin.time * 1000)
        return held, outcome, status

    def _admit(self, row: Json) -> tuple[rules.Place, tuple[str, ...]]:
        kind, store = self.kind, self.state.store
        if self.state.options.validate == "now":
            told = rules.told_fqn(kind, row)
            self.state.validate(kind.schema, row, kind.collection, told)
        here = rules.place(kind, row, store)
        _refuse_at_will(self.state, here.name)
        return here, rules.check(row, kind, here, store)

    def _add(self, here: rules.Place) -> Entity:
        entity = Entity(self.kind, "", here.fqn, here.name, here.parent, here.parent_field)
        self.state.store.add(entity)
        return entity


def _refuse_at_will(state: State, name: str) -> None:
    mischief = state.mischief
    for refuses in (mischief.refuses, mischief.poisons):
        if refuses is not None and refuses(name):
            raise RefusedError(400, f"{name} is refused")


def patch_by_id(state: State, request: Request, kind: Kind, key: str) -> Answer:
    """PATCH by id: apply a JSON Patch to the entity as it was answered."""
    entity = state.store.by_id.get(key)
    if entity is None or entity.deleted or entity.kind is not kind:
        raise unknown(kind.entity, key)
    return _patch(state, request, kind, entity)


def patch_by_name(state: State, request: Request, kind: Kind, fqn: str) -> Answer:
    """PATCH by FQN."""
    return _patch(state, request, kind, state.store.known(kind.collection, fqn))


def _patch(state: State, request: Request, kind: Kind, entity: Entity) -> Answer:
    created = _patched(entity, wire.decode(request.body), state.store)
    state.validate(kind.schema, created, kind.collection, entity.fqn)
    here = rules.Place(entity.name, entity.fqn, entity.parent, entity.parent_field)
    entity.columns = rules.check(created, kind, here, state.store)
    entity.body = wire.encode(created)
    entity.source_hash = created.get("sourceHash") or ""
    entity.revision += 1
    _record_patch(state, request, entity)
    return reply(represent(entity, state.store), rows=1)


def _patched(entity: Entity, operations: Any, store: Store) -> Json:
    before = represent(entity, store)
    after = patch.apply(represent(entity, store), operations)
    for name in ("id", "name", "fullyQualifiedName"):
        if not isinstance(after, dict) or after.get(name) != before[name]:
            raise RefusedError(400, f"{name} cannot be changed by a patch")
    return created_from(entity, after)


def _record_patch(state: State, request: Request, entity: Entity) -> None:
    origin = Origin.of(request)
    entity.updated_at = int(origin.time * 1000)
    state.record(
        origin,
        outcome="updated",
        status=200,
        collection=entity.kind.collection,
        fqn=entity.fqn,
        body=request.body,
    )
