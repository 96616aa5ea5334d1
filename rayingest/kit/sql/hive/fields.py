"""What is known of a Hive table, whoever told it: plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rayingest.kit.sql.keys import Foreign

DESERIALIZER = "from deserializer"  # a comment that Hive makes up


class Field(NamedTuple):
    """A column; `comment` is what somebody wrote."""

    name: str
    type: str
    comment: str | None = None
    required: bool = False

    @classmethod
    def of(cls, name: str, kind: str, comment: str | None, *, required: bool = False) -> "Field":
        """A column without comments that nobody wrote."""
        said = comment if comment and comment != DESERIALIZER else None
        return cls(name, kind, said, required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A table or view; `kind` is Hive's or Spark's word for what it is.

    `texts` are a view's, the best first. Keys name columns; `foreign` names tables by FQN.
    """

    name: str
    kind: str
    columns: Sequence[Field]
    partitions: Sequence[Field] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None
    owner: str | None = None
    location: str | None = None
    texts: Sequence[str | None] = ()
    buckets: Sequence[str] = ()
    sorted_by: Sequence[str] = ()
    required: Sequence[str] = ()
    primary: Sequence[str] = ()
    unique: Sequence[Sequence[str]] = ()
    foreign: Sequence[Foreign] = ()
    elsewhere: bool = False
