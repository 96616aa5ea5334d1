"""Secrets of the configs that were loaded, so that a text about the unforeseen can be cleaned of them."""

from typing import Any

from rayingest.config.secrecy import IN_URL, MASK, looks_secret

SHORTEST = 4  # shorter ones are parts of ordinary words
_known: set[str] = set()


def remember(tree: Any, variables: dict[str, str]) -> None:
    """Note the values of variables, and what stands at secret places of a config."""
    _known.update(each for each in variables.values() if len(each) >= SHORTEST)
    _gather(tree, ())


def _gather(tree: Any, path: tuple[str | int, ...]) -> None:
    match tree:
        case dict():
            for key, value in tree.items():
                _gather(value, (*path, key))
        case list():
            for index, value in enumerate(tree):
                _gather(value, (*path, index))
        case str() if len(tree) >= SHORTEST and looks_secret(path):
            _known.add(tree)


def masked(text: str) -> str:
    """The text without any secret that is known."""
    for each in sorted(_known, key=len, reverse=True):
        text = text.replace(each, MASK)
    return IN_URL.sub(rf"\1:{MASK}@", text)
