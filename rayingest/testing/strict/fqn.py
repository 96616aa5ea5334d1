"""Build and split fully qualified names by the catalogue's rules."""

import re

LONGEST_NAME = 256
LONGEST_FQN = 3072
_PART = re.compile(r'"[^"]+"|[^".]+')


def quote(name: str) -> str:
    """One part of an FQN: quoted if it has a dot, bare if not; a stray quote is an error."""
    bare = name[1:-1] if len(name) > 2 and name[0] == name[-1] == '"' else name
    if '"' in bare:
        raise ValueError(f"invalid name {name}: a name may not contain a quote")
    return f'"{bare}"' if "." in bare else bare


def join(parent: str, name: str) -> str:
    """The FQN of a child of an FQN."""
    return f"{parent}.{quote(name)}" if parent else quote(name)


def split(fqn: str) -> list[str]:
    """The parts of an FQN, still quoted; ValueError if it is not one."""
    parts, at = [], 0
    while found := _PART.match(fqn, at):
        parts.append(found.group())
        at = found.end() + 1
        if at > len(fqn):
            return parts
        if fqn[at - 1] != ".":
            break
    raise ValueError(f"invalid fully qualified name {fqn}")
