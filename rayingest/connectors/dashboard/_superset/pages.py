"""Superset's listings: pages and columns are asked for in one parameter, `q`, in Rison.

The page has 100 items at most (`FAB_API_MAX_PAGE_SIZE`, which an administrator may set lower): see
https://flask-appbuilder.readthedocs.io/en/latest/rest_api.html. Without an order Superset tells what
was changed last first, so what somebody edits meanwhile would jump to pages that were read before:
asked for in the opposite order, it comes behind them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rayingest.kit.rest.pages import Ask, Numbers, Told

MOST = 100
OLDEST_CHANGE_FIRST = "order_column:changed_on_delta_humanized,order_direction:asc"


@dataclass(frozen=True)
class Pages:
    """Pages of `result`; `columns` are all that is told of an item, `identity` what no other has."""

    columns: tuple[str, ...] = ()
    identity: str = "id"

    def items(self, ask: Ask) -> Iterator[Any]:
        """See Pager."""
        wanted = f"columns:!({','.join(self.columns)}),keys:!(none),{OLDEST_CHANGE_FIRST},"

        def page(given: Mapping[str, str], url: str) -> Told:
            where = f"page:{given['page']},page_size:{given['page_size']}"
            return ask({"q": f"({wanted if self.columns else ''}{where})"}, url)

        pages = Numbers("result", size=MOST, total="count", identity=self.identity, first=0)
        yield from pages.items(page)
