"""An OpenMetadata server for tests, stricter than the real one: `StrictCatalogue`.

It validates bodies against OpenMetadata's schemas, refuses rows with unknown parents, keeps a log
of every write, and breaks on demand. As a program it is a server for benchmarks:

    python -m rayingest.testing.catalogue --ms 40 --per-entity-ms 2 --validate later
"""

import argparse
import functools
import gc
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rayingest.testing.strict import control
from rayingest.testing.strict.accounts import Accounts
from rayingest.testing.strict.faults import Faults, Mischief
from rayingest.testing.strict.fqn import split
from rayingest.testing.strict.gate import handle
from rayingest.testing.strict.http import Server
from rayingest.testing.strict.schemas import Schemas
from rayingest.testing.strict.state import FailedRequest, Options, State, Validate
from rayingest.testing.strict.wire import Json
from rayingest.testing.strict.writes import Write, lines

__all__ = ["Faults", "StrictCatalogue", "Write"]

LOGIN = ("admin@open-metadata.org", "admin")


class StrictCatalogue:
    """A catalogue behind a real HTTP port, from `with` until the block ends."""

    def __init__(
        self,
        contracts: Path | str | None = None,
        *,
        validate: Validate = "now",
        faults: Faults | None = None,
        version: str = "1.13.0",
        token: str | None = None,
        login: tuple[str, str] = LOGIN,
        forbidden: bool = False,
        max_bytes: int = 10_000_000,
        max_rows: int = 1000,
        failed_request: FailedRequest = "fqn",
        whole_batch: bool = False,
        port: int = 0,
    ) -> None:
        """`failed_request`: what a failed row's `request` holds.

        `whole_batch`: a row that breaks its schema refuses its whole bulk request with 400.
        """
        self.options = Options(
            version=version,
            validate=validate,
            max_bytes=max_bytes,
            max_rows=max_rows,
            failed_request=failed_request,
            whole_batch=whole_batch,
        )
        schemas = Schemas(contracts) if validate != "off" else None
        accounts = Accounts(token, dict([login]))
        accounts.forbidden = forbidden
        self._state = State(self.options, schemas, accounts, faults or Faults())
        self._port = port
        self._server: Server | None = None

    def __enter__(self) -> Self:
        state = self._state
        self._server = Server(
            functools.partial(handle, state),
            is_down=lambda: state.mischief.is_down(),  # noqa: PLW0108  # faults are replaced
            limit=lambda: state.options.max_bytes,
            port=self._port,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the port and end every connection; what was written can still be read."""
        self._state.closing.set()
        if self._server is not None:
            self._server.close()

    @property
    def host_port(self) -> str:
        """`http://127.0.0.1:PORT`: what is not under `/api` answers with a page."""
        if self._server is None:
            raise RuntimeError("The catalogue has no port yet: use it in a with statement.")
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def url(self) -> str:
        """What a user writes as hostPort: it ends in `/api`."""
        return f"{self.host_port}/api"

    @property
    def faults(self) -> Faults:
        """What goes wrong; assign to replace it, which starts its counts anew."""
        return self._state.mischief.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._state.mischief = Mischief(faults)

    @property
    def forbidden(self) -> bool:
        """Whether every token is answered 403."""
        return self._state.accounts.forbidden

    @forbidden.setter
    def forbidden(self, forbidden: bool) -> None:
        self._state.accounts.forbidden = forbidden

    def set_token(self, token: str) -> None:
        """From now on this bearer token, and no other, is good."""
        self._state.accounts.set_token(token)

    def expire_token(self) -> None:
        """Answer 401 to the present tokens, until a login or `set_token`."""
        self._state.accounts.expire()

    @property
    def log(self) -> list[Write]:
        """Every row a client wrote, in order."""
        return list(self._state.log)

    def writes(self, collection: str | None = None) -> list[Json]:
        """The log with the bodies read, of one collection or of all."""
        return [write.as_dict() for write in self.log if collection in (None, write.collection)]

    def entities(self, collection: str, *, deleted: bool = False) -> dict[str, Json]:
        """FQN -> the body last stored with its id; `deleted`: those softly deleted."""
        return control.entities(self._state, collection, deleted=deleted)

    @property
    def stats(self) -> Json:
        """Requests, entities, bytes and times, as `GET /__stats` tells them."""
        return control.stats(self._state)

    def validation_errors(self) -> list[Json]:
        """What broke its schema; with validate='later' the log is validated here."""
        return self._state.validate_log()

    def reset(self) -> None:
        """Forget entities, log and counts; what was seeded stays."""
        self._state.reset()

    def seed(self, collection: str, body: Mapping[str, Any]) -> str:
        """Hold an entity that no client wrote; answers its id. The schema is not looked at."""
        return self._state.seed(collection, body).id

    def add_user(self, name: str, email: str | None = None) -> str:
        """Seed a user, so that it may own something."""
        return self.seed("users", {"name": name, "email": email or f"{name}@example.com"})

    def add_team(self, name: str) -> str:
        """Seed a team."""
        return self.seed("teams", {"name": name, "teamType": "Group"})

    def add_tag(self, fqn: str) -> str:
        """Seed a tag, its classification, and the tags above it: `PII.Sensitive`."""
        classification, *names = split(fqn)
        key, above = self.seed("classifications", {"name": classification, "description": ""}), ""
        for name in names:
            body = {"name": name, "classification": classification, "description": ""}
            key = self.seed("tags", body | ({"parent": above} if above else {}))
            above = f"{above or classification}.{name}"
        return key

    def add_ingestion_pipeline(self, fqn: str, services: str = "services/databaseServices") -> str:
        """Seed an ingestion pipeline `service.name`, and its service if it is not there."""
        service, name = split(fqn)
        parent = self.seed(services, {"name": service})
        reference = {"id": parent, "type": services.removeprefix("services/").removesuffix("s")}
        return self.seed("services/ingestionPipelines", {"name": name, "service": reference})


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m rayingest.testing.catalogue",
        description="A strict catalogue. Prints one JSON line when it listens; SIGTERM ends it.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0)
    add("--contracts", type=Path, help="the directory that holds openmetadata/schemas")
    add("--validate", choices=("now", "later", "off"), default="now")
    add("--version", default="1.13.0", help="the version it tells, and plays")
    add("--token", help="the bearer token it wants")
    add("--ms", type=float, default=0, help="how long each answer takes")
    add("--per-entity-ms", type=float, default=0, help="and how much longer for each row")
    add("--fault", action="append", default=[], metavar="NAME=JSON", help="a field of Faults")
    add("--failed-request", choices=("fqn", "name", "body"), default="fqn")
    add("--whole-batch", action="store_true", help="a broken row refuses its whole bulk")
    add("--max-rows", type=int, default=1000)
    add("--max-bytes", type=int, default=10_000_000)
    add("--log", type=Path, metavar="FILE", help="where the write log goes at the end")
    return parser.parse_args(arguments)


def _faults(told: argparse.Namespace) -> Faults:
    faults: Json = {"delay_ms": told.ms, "per_entity_ms": told.per_entity_ms}
    for fault in told.fault:
        name, _, value = fault.partition("=")
        try:
            faults[name] = json.loads(value)
        except ValueError:
            faults[name] = value
    return Faults.from_json(faults)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    told = _arguments(arguments)
    gc.disable()  # a third of the time of a bulk, and what is held has to be held
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # inherited by the threads
    catalogue = StrictCatalogue(
        told.contracts,
        validate=told.validate,
        faults=_faults(told),
        version=told.version,
        token=told.token,
        max_bytes=told.max_bytes,
        max_rows=told.max_rows,
        failed_request=told.failed_request,
        whole_batch=told.whole_batch,
        port=told.port,
    )
    with catalogue:
        sys.stdout.write(json.dumps({"url": catalogue.url, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
        signal.sigwait(signals)
    if told.log:
        told.log.write_bytes(b"".join(lines(catalogue.log)))


if __name__ == "__main__":
    main()
