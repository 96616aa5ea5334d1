"""The JSON schema of the whole config, for editors."""

import re
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from rayingest.config.models import Workflow
from rayingest.config.options import OPTIONS
from rayingest.config.sinks import SINKS
from rayingest.core import registry

Json = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE = {"type": "string", "pattern": r"\$\{", "description": "Filled in from the environment."}
NOT_TEXT = {"integer", "number", "boolean"}


def json_schema() -> Json:
    """A schema that accepts what `load` accepts, `${VAR}` included."""
    connectors = {name: registry.load(name).connection for name in registry.locations()}
    models: list[type[BaseModel]] = [Workflow, *connectors.values()]
    models += [*OPTIONS.values(), *SINKS.values()]
    refs, found = models_json_schema(
        [(each, "validation") for each in dict.fromkeys(models)], title="rayingest"
    )
    schemas = {model: ref for (model, _), ref in refs.items()}
    definitions = cast("Json", found["$defs"])
    by_name = {name: schemas[model] for name, model in connectors.items()}
    _narrow(definitions, by_name, [schemas[each] for each in OPTIONS.values()])
    by_sink = {kind: schemas[model] for kind, model in SINKS.items()}
    definitions["SinkComponent"]["allOf"] = [
        _when({"const": kind}, {"config": ref}) for kind, ref in by_sink.items()
    ]
    whole = {"$schema": DRAFT, "title": "rayingest", "$ref": schemas[Workflow]["$ref"]}
    return whole | {"$defs": _inside("$defs", definitions)}


def _narrow(definitions: Json, connectors: Json, options: list[Json]) -> None:
    """Put the connections of all connectors, and the options of all workflows, in their places."""
    source = definitions["Source"]
    source["properties"]["type"]["anyOf"] = [
        {"enum": list(connectors)},
        _spelling(list(connectors)),
        REFERENCE,
    ]
    source["properties"]["type"].pop("type", None)
    nested = {name: {"properties": {"config": ref}} for name, ref in connectors.items()}
    source["allOf"] = [
        _when(_spelling([name]), {"serviceConnection": each}) for name, each in nested.items()
    ]
    definitions["ServiceConnection"]["properties"]["config"] = _any(list(connectors.values()))
    definitions["SourceConfig"]["properties"]["config"] = _any(options)


def _any(refs: list[Json]) -> Json:
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _when(kind: Json, properties: Json) -> Json:
    condition = {"properties": {"type": kind}, "required": ["type"]}
    return {"if": condition, "then": {"properties": properties}}


def _spelling(names: list[str]) -> Json:
    """A pattern for names in any case; JSON schema knows no flag for that."""
    letters = [
        re.sub("[a-z]", lambda found: f"[{found[0]}{found[0].upper()}]", each) for each in names
    ]
    return {"type": "string", "pattern": f"^({'|'.join(letters)})$"}


def _with_references(schema: Any) -> Any:
    """Accept `${VAR}` wherever something else than text is expected."""
    if not isinstance(schema, dict):
        return schema
    # Variants may overlap (a password alone is in two of MySQL's): one of them is not `oneOf` them.
    spelled = {"anyOf" if key == "oneOf" else key: value for key, value in schema.items()}
    changed = {key: _inside(key, value) for key, value in spelled.items()}
    is_text = "pattern" in schema or (schema.get("type") not in NOT_TEXT and "enum" not in schema)
    return changed if is_text else {"anyOf": [changed, REFERENCE]}


def _inside(key: str, value: Any) -> Any:
    if key in {"properties", "$defs"}:
        return {name: _with_references(each) for name, each in value.items()}
    if key in {"anyOf", "oneOf", "allOf"}:
        return [_with_references(each) for each in value]
    return _with_references(value) if key in {"items", "additionalProperties"} else value
