"""Apply a JSON Patch (RFC 6902): add, replace, remove and test."""

from typing import Any

from rayingest.testing.strict.errors import RefusedError

_MISSING = object()


def apply(document: Any, operations: Any) -> Any:
    """The document changed in place; a patch that does not fit is refused."""
    if not isinstance(operations, list):
        raise RefusedError(400, "a JSON Patch is an array of operations")
    for operation in operations:
        try:
            document = _apply_one(document, operation)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise RefusedError(400, f"the patch does not apply: {operation}") from error
    return document


def _apply_one(document: Any, operation: dict[str, Any]) -> Any:
    verb, path = operation["op"], _parts(operation["path"])
    if not path:
        return _whole(document, verb, operation)
    holder = document
    for part in path[:-1]:
        holder = holder[_key(holder, part)]
    match verb:
        case "add":
            _add(holder, path[-1], operation["value"])
        case "replace":
            _replace(holder, path[-1], operation["value"])
        case "remove":
            del holder[_key(holder, path[-1])]
        case "test":
            _test(holder, path[-1], operation["value"])
        case _:
            raise ValueError(verb)
    return document


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(path)
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _key(holder: Any, part: str) -> Any:
    if not isinstance(holder, list):
        return part
    if not part.isdigit():
        raise ValueError(part)
    return int(part)


def _whole(document: Any, verb: str, operation: dict[str, Any]) -> Any:
    if verb == "test" and document == operation["value"]:
        return document
    if verb in ("add", "replace"):
        return operation["value"]
    raise ValueError(verb)


def _add(holder: Any, part: str, value: Any) -> None:
    if not isinstance(holder, list):
        holder.update({part: value})
    elif part == "-":
        holder.append(value)
    elif (at := _key(holder, part)) <= len(holder):
        holder.insert(at, value)
    else:
        raise IndexError(part)


def _replace(holder: Any, part: str, value: Any) -> None:
    key = _key(holder, part)
    _ = holder[key]
    holder[key] = value


def _test(holder: Any, part: str, value: Any) -> None:
    key = _key(holder, part)
    found = holder.get(key, _MISSING) if isinstance(holder, dict) else holder[key]
    if found != value:
        raise ValueError(part)
