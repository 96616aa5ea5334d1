"""The last guard before a problem is shown: no value of a variable or of a secret key is in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rayingest.config.draft import Draft
from rayingest.config.problems import KeyPath, Problem
from rayingest.config.secrecy import MASK, looks_secret

LONG = 6
"""Shorter values are only taken out where they stand in quotes: they are parts of other words."""


def scrubbed(draft: Draft, variables: Mapping[str, str]) -> Iterator[Problem]:
    """The problems, with values of variables written as `${NAME}` again, and secrets as `***`."""
    words = {value: f"${{{name}}}" for name, value in variables.items() if value}
    words |= {value: MASK for value in _secrets(draft.document.tree) if value not in words}
    for each in draft.problems:
        hint = _clean(each.hint, words) if each.hint else None
        yield replace(each, message=_clean(each.message, words), hint=hint)


def _clean(text: str, words: Mapping[str, str]) -> str:
    for value in sorted(words, key=len, reverse=True):
        word = re.escape(value)
        pattern = word if len(value) >= LONG else f"(?<=['\"]){word}(?=['\"])"
        text = re.sub(pattern, words[value].replace("\\", r"\\"), text, flags=re.IGNORECASE)
    return text


def _secrets(tree: Any, path: KeyPath = ()) -> Iterator[str]:
    match tree:
        case dict():
            for key, value in tree.items():
                yield from _secrets(value, (*path, key))
        case list():
            for index, value in enumerate(tree):
                yield from _secrets(value, (*path, index))
        case str() if tree and looks_secret(path) and "${" not in tree:
            yield tree
