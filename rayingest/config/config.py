"""A config that is complete and valid: what the rest of rayingest works with."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

from pydantic import BaseModel, SecretStr

from rayingest.config.document import Document
from rayingest.config.execution import Execution
from rayingest.config.marks import idle, secret_paths
from rayingest.config.options import Options
from rayingest.config.problems import CONNECTION, SERVER, ConfigErrors, Problem
from rayingest.config.secrecy import looks_secret, redacted
from rayingest.config.server import OpenMetadataServer
from rayingest.config.validation import Checked
from rayingest.core import registry
from rayingest.core.filters import Filters
from rayingest.core.source import Settings

Json = dict[str, Any]
# They change how fast or how often a run is, and nothing of what it writes.
IRRELEVANT = {"threads"}


@dataclass(frozen=True, slots=True)
class SinkSpec:
    """Which sink, and its settings."""

    type: str
    config: Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One workflow YAML, checked. Its repr holds no secret; `tree`, `variables`, `bundle()` do.

    `tree` is the merged document with `${VAR}` as written; `variables` are the values of those.
    """

    name: str
    tree: Json = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    connector: str
    service: str
    connection: BaseModel | None = field(repr=False)
    options: Options = field(repr=False)
    sink: SinkSpec
    server: OpenMetadataServer | None = field(repr=False)
    execution: Execution
    success_threshold: float = 90
    logger_level: str = "INFO"
    raise_on_error: bool = True
    ingestion_pipeline_fqn: str | None = None
    pipeline_run_id: str | None = None
    warnings: tuple[str, ...] = field(default=(), repr=False)
    fetched: Json | None = field(default=None, repr=False)

    @property
    def settings(self) -> Settings:
        """What the connector is opened with."""
        return Settings(
            service=self.service,
            connection=self.connection,
            options=self.options,
            filters=Filters.from_options(self.options.model_dump(exclude_none=True)),
            call_timeout=self.execution.call_timeout,
        )

    def with_connection(self, config: Mapping[str, Any]) -> Self:
        """Complete a config that has no serviceConnection with the one the server stores.

        Raises ConfigErrors when it is no connection of this connector.
        """
        document = Document(f"the connection of {self.service!r} on the server", dict(config))
        problems: list[Problem] = []
        model = registry.load(self.connector).connection
        connection = Checked(document, document.tree).read(model, problems)
        if connection is None:
            raise ConfigErrors(problems)
        return replace(self, connection=connection, fetched=dict(config))

    def bundle(self) -> Json:
        """All that a worker needs to make this config again; holds secrets, must not be logged."""
        return {
            "name": self.name,
            "tree": self.tree,
            "variables": dict(self.variables),
            "execution": self.execution,
            "fetched": self.fetched,
        }

    @classmethod
    def from_bundle(
        cls, bundle: Mapping[str, Any], environ: Mapping[str, str] | None = None
    ) -> Self:
        """Make a config again on a worker, whose own environment wins over the values sent."""
        from rayingest.config.load import from_bundle

        return cast("Self", from_bundle(bundle, environ))

    def fingerprint(self) -> str:
        """A hash of everything that changes what is written; secrets are no part of it."""
        text = json.dumps(self.relevant(), sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def relevant(self) -> Json:
        """What the fingerprint is made of, for telling which key has changed."""
        return {
            "connector": self.connector,
            "service": self.service,
            "connection": relevant(self.connection),
            "options": relevant(self.options),
            "sink": {"type": self.sink.type, "config": redacted(self.sink.config)},
            "server": self.server.hostPort if self.server else None,
        }

    def redacted(self) -> Json:
        """The tree with `***` for every secret that was written into it literally."""
        parts = ((CONNECTION, self.connection), (SERVER, self.server))
        secret = {path for where, part in parts for path in secret_paths(part, where)}
        return cast("Json", redacted(self.tree, secret))


def relevant(value: Any) -> Any:
    """What a user set that acts on what is written: no secrets, no defaults, nothing unused."""
    match value:
        case BaseModel():
            fields = type(value).model_fields.items()
            acting = ((key, field, getattr(value, key)) for key, field in fields)
            kept = {
                key: relevant(each)
                for key, field, each in acting
                if not (key in IRRELEVANT or idle(field) or looks_secret((key,)))
                and each != field.get_default(call_default_factory=True)
            }
        case Mapping():
            kept = {key: relevant(each) for key, each in value.items() if not looks_secret((key,))}
        case SecretStr():
            return None
        case _:
            return value
    return {key: each for key, each in kept.items() if each not in (None, {})}
