"""The commented config that `rayingest init` prints, made from the models' own descriptions."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from rayingest.config.connection import FilterPattern
from rayingest.config.execution import DistributedExecution
from rayingest.config.marks import Older, idle
from rayingest.config.models import Source, WorkflowConfig
from rayingest.config.options import DEFAULT_TYPE, OPTIONS
from rayingest.config.problems import did_you_mean
from rayingest.config.server import OpenMetadataServer
from rayingest.config.shape import models_in
from rayingest.config.sinks import SINKS
from rayingest.core import registry
from rayingest.core.source import Capability
from rayingest.errors import ConfigError

ALIASES = {"openmetadata": "metadata-rest"}
ANONYMOUS = {"auth", "authMechanism"}  # whose default is that nobody signs in
PLACEHOLDER = re.compile(r"\$\{([A-Z0-9_]+)\}")
Lines = Iterator[str]


def template(source: str, sink: str) -> str:
    """A config for a connector and a sink. Raises ConfigError for a name that does not exist."""
    kind = ALIASES.get(sink, sink)
    if kind not in SINKS:
        known = [*SINKS, *ALIASES]
        hint = f"There are: {', '.join(known)}."
        raise ConfigError(f"There is no sink {sink!r}.{did_you_mean(sink, known)}", hint=hint)
    return "\n".join(_lines(source.lower(), kind)) + "\n"


def environment(text: str) -> list[tuple[str, str]]:
    """The variables that a template wants, and what each is for."""
    wanted: dict[str, str] = {}
    for line in text.splitlines():
        written, _, why = line.partition("  # ")
        for found in PLACEHOLDER.finditer("" if line.lstrip().startswith("#") else written):
            wanted.setdefault(found[1], why)
    return list(wanted.items())


def _lines(source: str, sink: str) -> Lines:
    connector = registry.load(source)
    options = OPTIONS[DEFAULT_TYPE[connector.family]]
    fields = Source.model_fields
    yield f"# Reads {connector.service_type}, writes to {sink}. `rayingest validate` checks this file."
    yield "# ${NAME} is read from the environment; keys in comments show their defaults."
    yield "source:"
    yield f"  type: {source}"
    yield f"  serviceName: my_{source.removesuffix('-lineage')}  # {fields['serviceName'].description}"
    yield "  serviceConnection:"
    yield "    config:"
    yield from _model(connector.connection, 6, source.upper())
    yield "  sourceConfig:"
    yield "    config:"
    tells = Capability.INCREMENTAL in connector.capabilities
    passed = frozenset() if tells else frozenset({"incremental"})
    yield from _model(options, 6, source.upper(), without=passed)
    yield "sink:"
    yield f"  type: {sink}"
    settings = list(_model(SINKS[sink], 4, "RAYINGEST"))
    if settings:
        yield "  config:" if any(each.lstrip()[0] != "#" for each in settings) else "  # config:"
    yield from settings
    yield from _workflow_config(sink)


def _workflow_config(sink: str) -> Lines:
    threshold = WorkflowConfig.model_fields["successThreshold"]
    yield "workflowConfig:"
    yield "  loggerLevel: INFO"
    yield f"  # successThreshold: {threshold.default}  # {threshold.description}"
    if sink == "metadata-rest":
        yield "  openMetadataServerConfig:"
        yield from _model(OpenMetadataServer, 4, "OPENMETADATA")
    yield "  # distributedExecution:  # Where the run takes place; this process when absent."
    for line in _model(DistributedExecution, 4, "RAYINGEST"):
        yield line.replace("enabled: false", "enabled: true")


def _model(
    model: type[BaseModel],
    indent: int,
    prefix: str,
    *,
    inside: bool = False,
    without: frozenset[str] = frozenset(),
) -> Lines:
    """All fields of a model that are used: those that must be set first, others as comments."""
    fields = {
        key: field
        for key, field in model.model_fields.items()
        if key not in without and not _is_hidden(field)
    }
    needed = [key for key in fields if _is_needed(key, model)]
    for key in sorted(fields, key=lambda key: key not in needed):
        yield from _field(key, fields[key], indent, prefix, shown=key in needed and not inside)


def _field(key: str, field: FieldInfo, indent: int, prefix: str, *, shown: bool) -> Lines:
    start = " " * indent + ("" if shown else "# ")
    why = f"  # {field.description}" if field.description else ""
    models = [each for each in models_in(field.annotation) if each.model_fields]
    # Names, and how many of a thing there are, nobody can know here.
    named = get_origin(field.annotation) in (dict, list)
    if not models or models == [FilterPattern] or named:
        yield f"{start}{key}: {_value(key, field, prefix, shown=shown)}".rstrip() + why
        return
    yield f"{start}{key}:{why}"
    yield from _nested(models[0], indent + 2, prefix, shown=shown)


def _nested(model: type[BaseModel], indent: int, prefix: str, *, shown: bool) -> Lines:
    """The first variant; when it is shown and nothing in it must be set, its first field is."""
    lines = list(_model(model, indent, prefix, inside=not shown))
    if shown and not any(each.lstrip()[0] != "#" for each in lines):
        key, field = next(iter(model.model_fields.items()))
        lines[0] = next(iter(_field(key, field, indent, prefix, shown=True)))
    yield from lines


def _is_hidden(field: FieldInfo) -> bool:
    return idle(field) or any(isinstance(each, Older) for each in field.metadata)


def _is_needed(key: str, model: type[BaseModel]) -> bool:
    """Required, or what makes the type plain, or what one signs in with."""
    fields = model.model_fields
    by_password = "username" in fields and _signs_in(fields)
    signs_in = {"authType": by_password, "password": by_password and "authType" not in fields}
    signs_in |= {
        "username": by_password,
        "apiKey": True,
        "securityConfig": True,
        "authProvider": True,
        "path": "filename" in fields,
        "url": True,
    }
    is_type = key == "type" and model is not OpenMetadataServer
    return fields[key].is_required() or is_type or signs_in.get(key, False)


def _signs_in(fields: Mapping[str, FieldInfo]) -> bool:
    """Whether one mostly signs in by name and password: they must be there, or nothing says how else."""
    return fields["username"].is_required() or not ANONYMOUS & fields.keys()


def _value(key: str, field: FieldInfo, prefix: str, *, shown: bool) -> str:
    if field.examples and shown:
        return str(field.examples[0])
    if field.is_required() and get_origin(field.annotation) is Literal:
        return _plain(str(get_args(field.annotation)[0]))
    secret = _is_secret(field.annotation) and get_origin(field.annotation) not in (dict, list)
    if field.is_required() or secret or (shown and key == "username"):
        return f"${{{prefix}_{_upper(key)}}}" if _is_text(field.annotation) else "1"
    default = field.get_default(call_default_factory=True)
    if default is None:
        return (
            "{includes: [], excludes: []}" if FilterPattern in models_in(field.annotation) else ""
        )
    return _plain(default) if isinstance(default, str) else json.dumps(default)


def _plain(text: str) -> str:
    """The text bare where YAML reads it back as itself, else quoted (`":memory:"`)."""
    try:
        bare = yaml.safe_load(f"key: {text}") == {"key": text}
    except yaml.YAMLError:
        bare = False
    return text if bare else json.dumps(text)


def _is_text(annotation: Any) -> bool:
    return _is_secret(annotation) or str in _kinds(annotation)


def _is_secret(annotation: Any) -> bool:
    return SecretStr in _kinds(annotation)


def _kinds(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    yield annotation
    for each in get_args(annotation):
        yield from _kinds(each)


def _upper(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).upper()
