"""The files and texts that one config is made of, and how they are laid over one another."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rayingest.config.document import Document, parse
from rayingest.config.execution import FLAGS
from rayingest.config.problems import ConfigErrors, KeyPath, Mark, Problem

BESIDE = "rayingest.yaml"
BLOCK: KeyPath = ("workflowConfig", "distributedExecution")
BLOCK_VARIABLE = "RAYINGEST_DISTRIBUTED_EXECUTION"
STDIN = "-"


def read(source: str | Path) -> Document:
    """Read a file, or standard input. Raises ConfigErrors for a file that cannot be read."""
    name = "stdin" if str(source) == STDIN else str(source)
    data = b""
    try:
        data = sys.stdin.buffer.read() if name == "stdin" else Path(source).read_bytes()
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigErrors([_unreadable(name, error)]) from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigErrors([Problem(Mark(name, line, 1), "", "is not UTF-8 text")]) from error
    document = parse(text, name)
    if document.tree is None and not document.problems:
        document.tree = {}
    if document.tree is not None and not isinstance(document.tree, dict):
        problem = Problem(document.value_mark(()), "", "expected keys such as source: and sink:")
        document.problems.append(problem)
        document.tree = None
    return document


def beside(source: str | Path) -> list[Document]:
    """`rayingest.yaml` in the config's folder: distributedExecution, bare or under its name."""
    path = Path(source).parent / BESIDE
    if str(source) == STDIN or Path(source).name == BESIDE or not path.is_file():
        return []
    document = read(path)
    # A file with a source is a whole config of its own that happens to have this name.
    if document.tree is None or "source" in document.tree:
        return [document] if document.problems else []
    is_named = set(document.tree) == {BLOCK[-1]}
    return [_moved(document, BLOCK[:-1] if is_named else BLOCK)]


def from_environment(environ: Mapping[str, str]) -> list[Document]:
    """The block as YAML or JSON in `RAYINGEST_DISTRIBUTED_EXECUTION`."""
    text = environ.get(BLOCK_VARIABLE)
    return [_placed(text, f"${BLOCK_VARIABLE}", BLOCK)] if text else []


def from_set(assignment: str) -> Document:
    """`a.b.c=value` of the command line; the value is YAML."""
    key, equals, text = assignment.partition("=")
    path = tuple(key.split("."))
    if not equals or not all(path):
        document = Document("--set", {})
        hint = "It looks like --set workflowConfig.successThreshold=95"
        document.problems.append(Problem(Mark("--set"), "", "expected key=value", hint))
        return document
    return _placed(text, f"--set {key}", path)


def from_flags(flags: Mapping[str, object]) -> Iterator[Document]:
    """Flags that are keys of the block; engine and parallelism are no keys, they decide later."""
    for name, value in flags.items():
        if name in FLAGS and value is not None:
            flag = f"--{name.replace('_', '-')}"
            document = Document(flag, _nested((*BLOCK, FLAGS[name]), value))
            document.keys[(*BLOCK, FLAGS[name])] = Mark(flag)
            document.values[(*BLOCK, FLAGS[name])] = Mark(flag)
            yield document


def laid_over(strong: Document, weak: Document) -> Document:
    """Fill what the strong document does not say from the weak one."""
    both = Document(strong.name, strong.tree, dict(strong.keys), dict(strong.values))
    both.problems = strong.problems + weak.problems
    both.tree = _filled(both, strong.tree, weak, weak.tree, ())
    return both


def merged(documents: Iterable[Document]) -> Document:
    """Lay all documents over one another, the strongest first."""
    first, *others = documents
    for each in others:
        first = laid_over(first, each)
    return first


def _filled(both: Document, strong: Any, weak: Document, value: Any, path: KeyPath) -> Any:
    if not isinstance(strong, dict) or not isinstance(value, dict):
        return strong
    filled = dict(strong)
    for key, each in value.items():
        where = (*path, key)
        if key in strong:
            filled[key] = _filled(both, strong[key], weak, each, where)
        else:
            filled[key] = each
            _take_marks(both, weak, where)
    return filled


def _take_marks(both: Document, weak: Document, path: KeyPath) -> None:
    for mine, theirs in ((both.keys, weak.keys), (both.values, weak.values)):
        mine |= {each: mark for each, mark in theirs.items() if each[: len(path)] == path}


def _moved(document: Document, path: KeyPath) -> Document:
    """Put a document's tree deeper down."""
    moved = Document(document.name, _nested(path, document.tree), problems=document.problems)
    moved.keys = {(*path, *each): mark for each, mark in document.keys.items()}
    moved.values = {(*path, *each): mark for each, mark in document.values.items()}
    return moved


def _placed(text: str, name: str, path: KeyPath) -> Document:
    """A short text: its marks are its name, for lines and columns would not help."""
    parsed = parse(text, name) if text.strip() else Document(name, "")
    placed = Document(name, _nested(path, parsed.tree))
    hint = "Put the value in quotes to mean text."
    placed.problems = [Problem(Mark(name), "", each.message, hint) for each in parsed.problems]
    marks = [path[:end] for end in range(1, len(path) + 1)]
    marks += [(*path, *each) for each in parsed.values]
    placed.keys = dict.fromkeys(marks, Mark(name))
    placed.values = dict(placed.keys)
    return placed


def _nested(path: KeyPath, tree: Any) -> Any:
    for key in reversed(path):
        tree = {key: tree}
    return tree


def _unreadable(name: str, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError):
        hint = "`rayingest init --source postgres -o config.yaml` writes one."
        return Problem(Mark(name), "", "there is no such file", hint)
    return Problem(Mark(name), "", f"cannot be read: {error.strerror}")
