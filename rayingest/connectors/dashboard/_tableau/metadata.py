"""Questions to the Metadata API: what data sources there are, what fields they have, what they read.

Types: https://help.tableau.com/current/api/metadata_api/en-us/reference/index.html; errors:
https://help.tableau.com/current/api/metadata_api/en-us/docs/meta_api_errors.html. A page has 1,000
items at most, an answer 20,000 nodes unless the server's administrator says otherwise.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from rayingest.connectors.dashboard._tableau.session import Tableau
from rayingest.errors import SourceError
from rayingest.kit.rest.graphql import GraphQL, Meaning, Reply
from rayingest.kit.rest.pages import inside

PATH = "/api/metadata/graphql"
LIMIT = "metadata"
LIMITS = dict.fromkeys(("EmbeddedNames", "Embedded", "Published"), LIMIT)  # of routes
MOST = 1000
CODES = {
    "NODE_LIMIT_EXCEEDED": Meaning.TOO_MUCH,
    "TIME_LIMIT_EXCEEDED": Meaning.TOO_MUCH,
    "MAX_PAGE_SIZE_EXCEEDED": Meaning.TOO_MUCH,
    "RATE_EXCEEDED": Meaning.THROTTLED,
    "ACCESS_DENIED": Meaning.DENIED,
    "FILTER_REQUIRED": Meaning.DENIED,
    "FEATURE_DISABLED": Meaning.OFF,
    "SITE_DISABLED": Meaning.OFF,
    "BACKFILL_RUNNING": Meaning.PARTIAL,
    "PERMISSIONS_MODE_SWITCHED": Meaning.NOTE,
    "USER_VISIBILITY_IS_LIMITED": Meaning.NOTE,
}

# Named fragments in each other are refused for some fields: the text is repeated instead.
FIELD = """__typename name description
      ... on ColumnField { dataType role }
      ... on CalculatedField { dataType role formula }
      ... on BinField { dataType role formula }
      ... on GroupField { dataType role }"""
WHOLE = f"""fields {{
      {FIELD}
      ... on DatasourceField {{ remoteField {{ {FIELD} }} }}
    }}
    upstreamTables {{ name schema connectionType isEmbedded database {{ name }} }}"""
EMBEDDED_NAMES = """
query EmbeddedNames($first: Int, $after: String) {
  embeddedDatasourcesConnection(first: $first, after: $after) {
    nodes { id name workbook { luid } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
EMBEDDED = f"""
query Embedded($keys: [ID], $first: Int) {{
  embeddedDatasourcesConnection(first: $first, filter: {{ idWithin: $keys }}) {{
    nodes {{ id name upstreamDatasources {{ luid }} {WHOLE} }}
  }}
}}
"""
PUBLISHED = f"""
query Published($keys: [String], $first: Int) {{
  publishedDatasourcesConnection(first: $first, filter: {{ luidWithin: $keys }}) {{
    nodes {{ luid name {WHOLE} }}
  }}
}}
"""


class Metadata:
    """The Metadata API of one session."""

    def __init__(self, api: Tableau, size: int) -> None:
        self._ask = GraphQL(api, PATH, CODES)
        self._size = min(size, MOST)

    def try_it(self) -> None:
        """Ask for a single name. Raises as `embedded_names`."""
        variables = {"first": 1, "after": None}
        self._ask.ask("EmbeddedNames", EMBEDDED_NAMES, variables).whole()

    def embedded_names(self) -> Iterator[Any]:
        """All embedded data sources by name. Raises Partial behind the last one, and Off."""
        at = "embeddedDatasourcesConnection"
        yield from self._ask.pages("EmbeddedNames", EMBEDDED_NAMES, at, MOST)

    def embedded(self, ids: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Embedded data sources in full: see `_each`."""
        at = "embeddedDatasourcesConnection"
        batches = self._ask.batches("Embedded", EMBEDDED, ids, self._size)
        return _each(batches, at, "id")

    def published(self, luids: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Published data sources in full: see `_each`."""
        at = "publishedDatasourcesConnection"
        batches = self._ask.batches("Published", PUBLISHED, luids, self._size)
        return _each(batches, at, "luid")


def _each(
    batches: Iterator[tuple[Sequence[str], Reply | SourceError]], at: str, key: str
) -> Iterator[tuple[str, Any]]:
    """Each key with its node, with None when there is none, or with what is wrong with the answer."""
    for keys, reply in batches:
        if isinstance(reply, SourceError):
            yield from ((each, reply) for each in keys)
            continue
        try:
            nodes = {str(each[key]): each for each in inside(reply.whole(), f"{at}.nodes")}
        except SourceError as error:
            yield from ((each, error) for each in keys)
            continue
        yield from ((each, nodes.get(each)) for each in keys)
