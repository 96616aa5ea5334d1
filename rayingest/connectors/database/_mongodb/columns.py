"""Which fields of a collection become which fields of a view, stage by stage. Pure.

https://www.mongodb.com/docs/manual/reference/operator/aggregation-pipeline/
"""

from collections.abc import Iterator, Mapping
from typing import Any

SAME = {"$match", "$sort", "$limit", "$skip", "$sample", "$redact"}
Names = tuple[str, ...]


class Fields:
    """Top-level fields of the documents between two stages, and those that they come from."""

    def __init__(self) -> None:
        self._known: dict[str, Names] = {}
        self._rest = True  # whether every other field is still what it was

    def origins(self, name: str) -> Names:
        """Fields of the collection that this one is made of; none when that is not certain."""
        if name in self._known:
            return self._known[name]
        return (name,) if self._rest else ()

    def after(self, stage: Mapping[str, Any]) -> bool:
        """Follow one stage; False when nothing is known of its documents."""
        ((word, given),) = stage.items()
        if word in SAME:
            return True
        if word == "$unset":
            self._drop([given] if isinstance(given, str) else given)
        elif word in {"$addFields", "$set"}:
            self._add(given)
        elif word == "$project":
            self._project(given)
        elif word == "$group":
            self._only({name: self._within(each) for name, each in given.items()})
        elif word in {"$lookup", "$graphLookup"}:
            self._known[_top(given["as"])] = ()
        elif word == "$unwind":
            self._unwind(given)
        else:
            return False
        return True

    def _project(self, given: Mapping[str, Any]) -> None:
        """Either what is kept and made, or what is dropped; `_id` may be dropped in both."""
        dropped = [name for name, each in given.items() if _is_flag(each) and not each]
        kept = {name: each for name, each in given.items() if name not in dropped}
        if not kept or set(dropped) - {"_id"}:
            self._drop(dropped)
            return
        made: dict[str, Names] = {} if "_id" in dropped else {"_id": self.origins("_id")}
        for name, each in kept.items():
            own = self.origins(_top(name)) if _is_flag(each) else self._within(each)
            before = made.get(_top(name), ()) if name != "_id" else ()
            made[_top(name)] = tuple(dict.fromkeys((*before, *own)))
        self._only(made)

    def _add(self, given: Mapping[str, Any]) -> None:
        made = {name: self._within(each) for name, each in given.items()}
        for name, own in made.items():
            top = _top(name)
            before = self.origins(top) if "." in name else ()
            self._known[top] = tuple(dict.fromkeys((*before, *own)))

    def _unwind(self, given: Any) -> None:
        index = given.get("includeArrayIndex") if isinstance(given, Mapping) else None
        if index:
            self._known[_top(index)] = ()

    def _drop(self, names: list[str]) -> None:
        self._known |= {name: () for name in names if "." not in name}

    def _only(self, made: dict[str, Names]) -> None:
        self._known, self._rest = made, False

    def _within(self, expression: Any) -> Names:
        found = [name for path in _paths(expression) for name in self.origins(path)]
        return tuple(dict.fromkeys(found))


def _paths(expression: Any) -> Iterator[str]:
    """Top-level fields that an expression names: `$a.b` names `a`, `$$variable` none."""
    if isinstance(expression, str):
        if expression.startswith("$") and not expression.startswith("$$"):
            yield _top(expression[1:])
        elif expression.startswith(("$$ROOT.", "$$CURRENT.")):
            yield _top(expression.partition(".")[2])
    elif isinstance(expression, Mapping):
        for word, each in expression.items():
            if word != "$literal":
                yield from _paths(each)
    elif isinstance(expression, list):
        for each in expression:
            yield from _paths(each)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _top(path: str) -> str:
    return path.partition(".")[0]
