"""A cluster of ours: catalogs, and how the coordinator before them behaves."""

from dataclasses import dataclass, field

from rayingest.testing._trino.catalogs import Catalogs, Refusal


@dataclass
class Cluster(Catalogs):
    """Catalogs, and how the coordinator before them behaves; changed at any time.

    `page` is the number of rows in an answer. Of all requests each `busy`-th is answered 503, and of the
    answers with rows each `torn`-th is cut. `throttled` counts the statements that are still answered 429,
    `throttled_pages` the pages; `wait` is in seconds. `refusals` are errors by a piece of the statement;
    one with a piece of `stuck` never ends. `named` is what the coordinator calls itself in addresses; a
    `forgetful` one knows no statement that it took.
    """

    kind: str = "Trino"
    passwords: dict[str, str] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    impersonators: set[str] = field(default_factory=set)
    page: int = 50
    busy: int = 0
    torn: int = 0
    throttled: int = 0
    throttled_pages: int = 0
    wait: str = "0"
    refusals: dict[str, Refusal] = field(default_factory=dict)
    stuck: str = ""
    named: str = ""
    forgetful: bool = False
    # What came in.
    statements: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    requests: int = 0
    pages: int = 0

    @property
    def prefix(self) -> str:
        """What the names of its headers begin with."""
        return f"X-{self.kind}-"
