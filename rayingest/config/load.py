"""Read a config: find everything that is wrong with it at once, or return it complete."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rayingest.config import layers
from rayingest.config.assembly import assemble
from rayingest.config.config import Config
from rayingest.config.document import Document
from rayingest.config.execution import Execution
from rayingest.config.interpolate import Variables
from rayingest.config.problems import ConfigErrors

NOTHING: Mapping[str, object] = {}


def load(
    source: str | Path,
    *,
    overlays: Iterable[str | Path] = (),
    sets: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] = NOTHING,
    elsewhere: set[str] | None = None,
) -> Config:
    """Read a config from a path, or from standard input (`-`). Raises ConfigErrors.

    Precedence: `flags` > `sets` > RAYINGEST_DISTRIBUTED_EXECUTION > the config > `overlays`, the
    last one first > rayingest.yaml beside the config. `elsewhere` takes the references that cannot be
    filled in here, for a config that is checked here and run elsewhere; without it they are errors.
    """
    environ = os.environ if environ is None else environ
    documents = [
        *layers.from_flags(flags),
        *(layers.from_set(each) for each in reversed(list(sets))),
        *layers.from_environment(environ),
        layers.read(source),
        *(layers.read(each) for each in reversed(list(overlays))),
        *layers.beside(source),
    ]
    if any(each.tree is None for each in documents):
        raise ConfigErrors(problem for each in documents for problem in each.problems)
    document = layers.merged(documents)
    document.name = "stdin" if str(source) == layers.STDIN else str(source)
    return assemble(document, Variables(environ, elsewhere=elsewhere), flags)


def from_bundle(bundle: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Config:
    """Make a config again on a worker, whose own environment wins over the values sent."""
    variables = Variables(os.environ if environ is None else environ, bundle["variables"])
    execution: Execution = bundle["execution"]
    document = Document(bundle["name"], bundle["tree"])
    config = assemble(document, variables, {"engine": execution.engine})
    if bundle["fetched"] is not None:
        config = config.with_connection(bundle["fetched"])
    return replace(config, execution=execution)
