"""Which keys hold secrets, and a copy of a config that can be shown to anybody."""

import re
from collections.abc import Collection
from typing import Any

from rayingest.config.problems import KeyPath

MASK = "***"
SECRET = re.compile(r"pass|pwd|token|secret|key|jwt|credential|private", re.IGNORECASE)
PUBLIC = {"secretsManagerProvider", "secretsManagerLoader", "tokenEndpoint", "secretName"}
OPAQUE = {"connectionOptions", "connectionArguments", "extraHeaders"}
REFERENCE = re.compile(r"\$\{(?:file:[^}]+|[A-Za-z_][A-Za-z0-9_]*)\}")
DEFAULT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*):-[^}]*\}")
# Names of Kubernetes objects: no key of this block takes a secret.
KUBERNETES: KeyPath = ("workflowConfig", "distributedExecution", "k8s")
IN_URL = re.compile(r"(://[^/@\s:]*):[^/@\s]+@")


def looks_secret(path: KeyPath) -> bool:
    """Whether a key, or one around it, sounds like a secret, or may hold anything."""
    if path[: len(KUBERNETES)] == KUBERNETES:
        return False
    keys = [part for part in path if isinstance(part, str)]
    return any(key in OPAQUE or (SECRET.search(key) and key not in PUBLIC) for key in keys)


def redacted(tree: Any, secret: Collection[KeyPath] = (), path: KeyPath = ()) -> Any:
    """Copy a tree; every literal at a secret place becomes `***`, references stay readable."""
    match tree:
        case dict():
            return {key: redacted(value, secret, (*path, key)) for key, value in tree.items()}
        case list():
            return [redacted(each, secret, (*path, index)) for index, each in enumerate(tree)]
        case None | bool():
            return tree
        case _:
            return _redacted(tree, secret, path)


def _redacted(tree: Any, secret: Collection[KeyPath], path: KeyPath) -> Any:
    if path in secret or looks_secret(path) or "-----BEGIN" in str(tree):
        return _masked(str(tree))
    return IN_URL.sub(rf"\1:{MASK}@", tree) if isinstance(tree, str) else tree


def _masked(text: str) -> str:
    if REFERENCE.fullmatch(text):
        return text
    if found := DEFAULT.fullmatch(text):
        return f"${{{found[1]}:-{MASK}}}"
    return MASK
