"""Everything one strict catalogue knows: entities, log, accounts, faults and counts."""

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rayingest.testing.strict import rules, wire
from rayingest.testing.strict.accounts import Accounts
from rayingest.testing.strict.errors import RefusedError
from rayingest.testing.strict.faults import Faults, Mischief
from rayingest.testing.strict.http import Request
from rayingest.testing.strict.kinds import KINDS, Kind
from rayingest.testing.strict.schemas import Schemas
from rayingest.testing.strict.store import Entity, Store
from rayingest.testing.strict.wire import Json
from rayingest.testing.strict.writes import Write

Validate = Literal["now", "later", "off"]
FailedRequest = Literal["fqn", "name", "body"]


@dataclass(slots=True, kw_only=True)
class Options:
    """How strict a catalogue is, and which server it plays."""

    version: str = "1.13.0"
    validate: Validate = "now"
    max_bytes: int = 10_000_000
    max_rows: int = 1000
    failed_request: FailedRequest = "fqn"
    whole_batch: bool = False

    @property
    def is_2(self) -> bool:
        """Whether what came with 2.0 is there."""
        return int(self.version.split(".", maxsplit=1)[0]) >= 2


@dataclass(slots=True)
class Counts:
    """What `/__stats` tells beside the store."""

    requests: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    bytes_in: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    unauthorised: int = 0
    first: float = 0
    last: float = 0


@dataclass(slots=True)
class Origin:
    """The request a write came in."""

    method: str
    path: str
    time: float

    @classmethod
    def of(cls, request: Request) -> "Origin":
        """Where a write that this request makes comes from."""
        return cls(request.method, request.path, time.time())


class State:
    """One catalogue's memory. `lock` is held around all that reads or changes it."""

    def __init__(
        self, options: Options, schemas: Schemas | None, accounts: Accounts, faults: Faults
    ) -> None:
        self.options, self.schemas, self.accounts = options, schemas, accounts
        self.mischief = Mischief(faults)
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._seeds: list[tuple[str, Mapping[str, Any]]] = []
        self.reset()

    def reset(self) -> None:
        """Forget all but what was seeded."""
        with self.lock:
            self.store, self.counts = Store(), Counts()
            self.log: list[Write] = []
            self.errors: list[Json] = []
            self._validated = 0
            for collection, body in self._seeds:
                self._plant(collection, body)

    def seed(self, collection: str, body: Mapping[str, Any]) -> Entity:
        """Hold an entity without a trace in the log; it survives a reset."""
        with self.lock:
            entity = self._plant(collection, body)
            self._seeds.append((collection, body))
        return entity

    def record(
        self,
        origin: Origin,
        *,
        outcome: str,
        status: int,
        kind: Kind | None = None,
        collection: str = "",
        fqn: str = "",
        body: bytes = b"",
        message: str = "",
        schema: str = "",
    ) -> None:
        """Append one row to the write log."""
        self.counts.outcomes[outcome] += 1
        where = kind.collection if kind else collection
        seq = len(self.log) + 1
        self.log.append(
            Write(
                seq,
                origin.time,
                origin.method,
                origin.path,
                where,
                fqn,
                body,
                outcome,
                status,
                message,
                schema or (kind.schema if kind else ""),
            )
        )

    def validate(self, schema: str, document: Any, collection: str, fqn: str) -> None:
        """Refuse a document that breaks its schema, when bodies are validated as they arrive."""
        if self.schemas is None or self.options.validate != "now":
            return
        if found := self.schemas.errors(schema, document):
            self.errors.append(
                {"seq": len(self.log) + 1, "collection": collection, "fqn": fqn, "errors": found}
            )
            raise RefusedError(400, "; ".join(found))

    def validate_log(self) -> list[Json]:
        """Every schema error so far; in `later` mode the bodies are looked at here."""
        with self.lock:
            if self.schemas is None or self.options.validate != "later":
                return list(self.errors)
            for write in self.log[self._validated :]:
                if write.schema and (found := self.schemas.errors(write.schema, write.document())):
                    self.errors.append(
                        {
                            "seq": write.seq,
                            "collection": write.collection,
                            "fqn": write.fqn,
                            "errors": found,
                        }
                    )
            self._validated = len(self.log)
            return list(self.errors)

    def _plant(self, collection: str, body: Mapping[str, Any]) -> Entity:
        kind = KINDS[collection]
        here = rules.place(kind, dict(body), self.store)
        held = self.store.find(collection, here.fqn)
        if held is not None:
            return held
        entity = Entity(kind, "", here.fqn, here.name, here.parent, here.parent_field)
        entity.body = wire.encode(dict(body))
        entity.columns = tuple(column["name"] for column in body.get("columns") or ())
        self.store.add(entity)
        return entity
