"""From files to tables, while they are listed: what is held is what the open folders may still add to. No I/O.

A folder's files come together, in any order; the files of a whole bucket are never in memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rayingest.connectors.database._datalake.places import (
    Place,
    dataset,
    hidden,
    masked,
    partition,
    place,
)

DELTA, ICEBERG, HUDI = "Delta Lake", "Iceberg", "Hudi"
# https://github.com/delta-io/delta/blob/master/PROTOCOL.md, https://iceberg.apache.org/spec/#file-system-tables
_MARKS = {"_delta_log": DELTA, ".hoodie": HUDI}
_ICEBERG = ("metadata", ".metadata.json")
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_DIGITS = re.compile(r"(\d+)")


class File(NamedTuple):
    """An object of a listing; a key that ends with a slash is a folder that was not looked into."""

    key: str
    size: int


class Found(NamedTuple):
    """A table: its name, and the file that its columns are read from."""

    name: str
    sample: File


@dataclass(slots=True)
class _Group:
    place: Place
    sample: File
    count: int = 1

    def add(self, file: File) -> None:
        self.count += 1
        self.sample = max(self.sample, file, key=newest)

    @property
    def found(self) -> Found:
        alone = self.count == 1 and not self.place.parts
        return Found(self.sample.key if alone else self.place.table, self.sample)


def newest(file: File) -> tuple[object, ...]:
    """Files in the order of their partitions, by number where they count: `month=10` is after `month=9`."""
    return (_NO_VALUE not in file.key, natural(file.key))


def natural(text: str) -> tuple[object, ...]:
    """Sorts texts by the numbers in them; the text itself is the last word."""
    parts = _DIGITS.split(text)
    return (tuple([(int(each), "") if each.isdecimal() else (-1, each) for each in parts]), text)


@dataclass(slots=True)
class Tables:
    """Groups the files of one bucket. `foreign` are the folders of tables that have connectors of their own."""

    foreign: dict[str, str] = field(default_factory=dict)
    _open: dict[str, dict[str, _Group]] = field(default_factory=dict)
    _sampled: set[str] = field(default_factory=set)
    _mixed: set[str] = field(default_factory=set)
    _folder: str = ""

    def add(self, file: File) -> Iterator[Found]:
        """Take a file; yields the tables that are complete now."""
        folder = file.key.rpartition("/")[0]
        if folder != self._folder:
            self._folder = folder
            for parent in [each for each in self._open if not _within(folder, each)]:
                yield from self._close(parent)
        self._mark(file.key)
        where = place(file.key) if file.size else None
        if where is None:
            return
        groups = self._open.setdefault(where.root.rpartition("/")[0], {})
        if where.table in groups:
            groups[where.table].add(file)
        else:
            groups[where.table] = _Group(where, file)
        if inside := dataset(file.key):
            (self._sampled if _plain(inside, file.key) else self._mixed).add(inside)

    def end(self) -> Iterator[Found]:
        """The tables that are left, when all files were listed."""
        for parent in list(self._open):
            yield from self._close(parent)

    def known(self, key: str) -> str | None:
        """How the keys begin that need not be listed any more, if this one begins so, too.

        Below a folder that is hidden or another connector's that is nothing. All partitions of a table tell the
        same, so one of them is enough, unless there are tables of their own inside.
        """
        folders = key.split("/")[:-1]
        for depth in range(len(folders) + 1):
            if "/".join(folders[:depth]) in self.foreign or any(map(hidden, folders[:depth][-1:])):
                return "".join(f"{each}/" for each in folders[:depth])
        inside = dataset(key)
        if inside and inside in self._sampled and inside not in self._mixed:
            return inside
        return None

    def left_out(self, bucket: str) -> str:
        """What is not told, and who reads it."""
        kinds = " and ".join(sorted(set(self.foreign.values())))
        some = ", ".join(each or bucket for each in sorted(self.foreign)[:3])
        more = ", …" if len(self.foreign) > 3 else ""
        return f"{bucket}: left out are tables of {kinds}, which have connectors of their own: {some}{more}"

    def _mark(self, key: str) -> None:
        folders = key.split("/")[:-1]
        for depth, each in enumerate(folders):
            if kind := _MARKS.get(each):
                self.foreign.setdefault("/".join(folders[:depth]), kind)
        if folders[-1:] == [_ICEBERG[0]] and key.endswith(_ICEBERG[1]):
            self.foreign.setdefault("/".join(folders[:-1]), ICEBERG)

    def _close(self, parent: str) -> Iterator[Found]:
        for group in self._open.pop(parent).values():
            if not self._others(group.place.root):
                yield group.found

    def _others(self, root: str) -> bool:
        parts = root.split("/")
        return bool(self.foreign) and any(
            "/".join(parts[:depth]) in self.foreign for depth in range(len(parts) + 1)
        )


def _plain(inside: str, key: str) -> bool:
    """Whether only partitions lie between the first of them and the file."""
    folders = key.split("/")[inside.count("/") : -1]
    return all(partition(each) or masked(each)[0] == "*" for each in folders)


def _within(folder: str, parent: str) -> bool:
    return not parent or folder == parent or folder.startswith(parent + "/")
