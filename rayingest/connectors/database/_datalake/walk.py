"""Lists what lies below a folder, folder by folder, and not what is known already. No I/O of its own."""

from collections.abc import Callable, Iterator, Sequence

from rayingest.connectors.database._datalake.listing import File, newest
from rayingest.connectors.database._datalake.places import hidden, partition

Known = Callable[[str], str | None]
Listed = Callable[[str], tuple[Sequence[str], Sequence[File]]]


def below(folder: str, prefix: str, listed: Listed, known: Known) -> Iterator[File]:
    """All files whose key begins with `prefix`, the newest partition of a table first.

    `listed` names the folders and the files in one folder, which is '' or ends with a slash.
    """
    folders, files = listed(folder)
    # A folder that shows whose table this is comes first: then its files need not be listed.
    yield from (File(f"{folder}{each}/", 0) for each in folders if hidden(each))
    yield from sorted(each for each in files if each.key.startswith(prefix))
    for each in _ordered(folders):
        inner = f"{folder}{each}/"
        if hidden(each) or not (inner.startswith(prefix) or prefix.startswith(inner)):
            continue
        if known(inner) is None:
            yield from below(inner, prefix, listed, known)


def _ordered(folders: Sequence[str]) -> list[str]:
    plain = sorted(each for each in folders if not partition(each))
    parts = (each for each in folders if partition(each))
    return plain + sorted(parts, key=lambda each: newest(File(each, 0)), reverse=True)
