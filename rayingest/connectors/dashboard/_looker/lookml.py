"""LookML: the views of a repository, with their fields, their tables and their SQL. Pure but for reading files."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rayingest.errors import ConfigError
from rayingest.kit.queries import tables_read

_OWN_TABLE = re.compile(r"\$\{\s*([\w.]+)\.SQL_TABLE_NAME\s*\}", re.IGNORECASE)
_FIELD = re.compile(r"\$\{[^}]*\}")
_LIQUID = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_VIEW = "lookml__"  # how another view stands in SQL while that is parsed
_DATES = {"raw", "time", "hour", "minute", "second", "millisecond", "microsecond"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Field:
    """One dimension or measure; of a group of dimensions there is one for each timeframe."""

    name: str
    type: str
    category: str
    label: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    numeric: bool = False


@dataclass(frozen=True)
class View:
    """A view as it stands in the files, what it extends and its refinements worked in.

    `tables` are names as they are spelled in SQL, `views` other views that a derived table asks.
    """

    name: str
    label: str | None = None
    description: str | None = None
    sql: str | None = None
    fields: tuple[Field, ...] = ()
    tables: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """The views of one repository by their names."""

    name: str = ""
    views: Mapping[str, View] = field(default_factory=dict)


def read(folder: str, name: str = "") -> Project:
    """All `.lkml` files below a folder. Raises ConfigError when there is none.

    The project is called as its manifest says, or else `name`, or else as the folder.
    A file that cannot be parsed costs its own views, with a warning that names it.
    """
    root = Path(folder).expanduser()
    files = sorted(root.rglob("*.lkml")) if root.is_dir() else []
    if not files:
        raise ConfigError(
            f"gitCredentials: there is no LookML below {str(root)!r}.",
            hint="Give the path of a clone of the project's repository on this machine.",
        )
    trees = [tree for each in files if (tree := _parsed(each)) is not None]
    names = [str(each["project_name"]) for each in trees if each.get("project_name")]
    return Project(names[0] if names else name or root.resolve().name, _views(trees))


def _parsed(path: Path) -> dict[str, Any] | None:
    import lkml  # with sqlglot 0.15 s, which only those pay that have LookML

    try:
        return lkml.load(path.read_text("utf-8"))
    except (SyntaxError, ValueError, OSError, RecursionError) as error:
        _log.warning("%s is left out, it cannot be read as LookML: %s", path, error)
        return None


def _views(trees: Iterable[Mapping[str, Any]]) -> dict[str, View]:
    found: dict[str, dict[str, Any]] = {}
    refinements: list[dict[str, Any]] = []
    for tree in trees:
        for each in tree.get("views", ()):
            name = str(each["name"])
            if name.startswith("+"):
                refinements.append(each)
            else:
                found[name] = each
    for each in refinements:
        name = str(each["name"]).removeprefix("+")
        if name in found:
            found[name] = _over(found[name], each)
    whole = {name: _extended(name, found, ()) for name in found}
    return {name: _view(name, raw) for name, raw in whole.items()}


def _extended(
    name: str, views: Mapping[str, dict[str, Any]], above: tuple[str, ...]
) -> dict[str, Any]:
    """A view over those that it extends; one that extends itself, however far away, does so once."""
    own = views[name]
    base: dict[str, Any] = {}
    for parent in (each for names in own.get("extends__all", ()) for each in names):
        if parent in views and parent not in (*above, name):
            base = _over(base, _extended(parent, views, (*above, name)))
    return _over(base, own)


def _over(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """What `more` says on top of `base`: fields by their names, everything else as a whole."""
    made = {**base, **{key: value for key, value in more.items() if key != "name"}}
    made["name"] = base.get("name", more.get("name"))
    for kind in ("dimensions", "dimension_groups", "measures"):
        fields = {each["name"]: each for each in base.get(kind, ())}
        for each in more.get(kind, ()):
            fields[each["name"]] = {**fields.get(each["name"], {}), **each}
        made[kind] = list(fields.values())
    return made


def _view(name: str, raw: Mapping[str, Any]) -> View:
    derived = raw.get("derived_table") or {}
    view = View(
        name,
        _text(raw.get("label")),
        _text(raw.get("description")),
        _text(derived.get("sql")),
        tuple(_fields(raw)),
        tags=tuple(raw.get("tags") or ()),
    )
    if view.sql is not None:
        tables, views = tables_of(view.sql, name)
        return replace(view, tables=tables, views=views)
    if derived:  # explore_source: what it asks is in its explore
        return view
    table = str(raw.get("sql_table_name") or name).strip()
    if own := _OWN_TABLE.fullmatch(table):
        return replace(view, views=(own[1],))
    return replace(view, tables=(table,))


def _fields(raw: Mapping[str, Any]) -> Iterable[Field]:
    for each in raw["dimensions"]:
        yield _field(each, "dimension", str(each.get("type", "string")))
    for each in raw["dimension_groups"]:
        if each.get("type") == "duration":  # hours_since_signup
            for interval in each.get("intervals") or ():
                yield replace(
                    _field(each, "dimension", "number"), name=f"{interval}s_{each['name']}"
                )
            continue
        for frame in each.get("timeframes") or ("raw",):
            kind = "date_time" if frame in _DATES else "date" if frame == "date" else "string"
            yield replace(_field(each, "dimension", kind), name=f"{each['name']}_{frame}")
    for each in raw["measures"]:
        yield _field(each, "measure", str(each.get("type", "string")))


def _field(raw: Mapping[str, Any], category: str, kind: str) -> Field:
    return Field(
        str(raw["name"]),
        kind,
        category,
        _text(raw.get("label")),
        _text(raw.get("description")),
        tuple(raw.get("tags") or ()),
    )


def tables_of(sql: str, view: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tables that a statement reads, and the LookML views; nothing of one that cannot be parsed."""
    plain = _LIQUID.sub(" ", sql)
    plain = _OWN_TABLE.sub(lambda found: _VIEW + found[1], plain)
    plain = _FIELD.sub("NULL", plain)
    names = tables_read(plain, f"view {view}")
    views = [each.removeprefix(_VIEW) for each in names if each.startswith(_VIEW)]
    return tuple(each for each in names if not each.startswith(_VIEW)), tuple(views)


def _text(text: object) -> str | None:
    return str(text).strip() or None if text is not None else None


def reached(names: Sequence[str], project: Project) -> list[str]:
    """Those of these views that the project has, each once."""
    return [each for each in dict.fromkeys(names) if each in project.views]
