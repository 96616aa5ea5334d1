"""Objects as one YAML text, for kubectl: the Secret first, so that no pod waits for it."""

import re
from collections.abc import Iterable
from typing import Any

import yaml

Json = dict[str, Any]
# YAML in Go reads more words as numbers and truths than Python's: 12e5, 0o7, y.
QUOTED = re.compile(r"[-+.~\d].*|[yYnN]")


class _Dumper(yaml.SafeDumper):
    """Writes no anchors, and texts of many lines as they are."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else "'" if QUOTED.fullmatch(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def manifest(documents: Iterable[Json]) -> str:
    """The objects as YAML."""
    return yaml.dump_all(
        documents,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        explicit_start=True,
        width=1000,
    )
