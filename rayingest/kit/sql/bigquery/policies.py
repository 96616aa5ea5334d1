"""Policy tags of columns: INFORMATION_SCHEMA tells their ids, Google's Data Catalog their names.

https://cloud.google.com/data-catalog/docs/reference/rest/v1/projects.locations.taxonomies.policyTags/list
"""

from collections.abc import Sequence

from rayingest.errors import Denied, Gone
from rayingest.kit.sql.bigquery.session import BigQuerySession
from rayingest.model import Tag

URL = "https://datacatalog.googleapis.com/v1"
PERMISSION = "datacatalog.taxonomies.get"
MOST = 1000  # of one page

Taxonomy = dict[str, Tag]  # resource name of a policy tag -> the tag


class Policies:
    """The policy tags that one session has seen; each taxonomy is asked for once.

    A taxonomy that the account may not see has no tags: `rayingest check` tells.
    """

    def __init__(self, session: BigQuerySession) -> None:
        self._session = session
        self._known: dict[str, Taxonomy] = {}

    def tags(self, names: Sequence[str]) -> tuple[Tag, ...]:
        """The tags of these resource names, `projects/…/taxonomies/…/policyTags/…`."""
        found = []
        for name in names:
            taxonomy = name.rpartition("/policyTags/")[0]
            if taxonomy not in self._known:
                self._known[taxonomy] = self._read(taxonomy)
            if (tag := self._known[taxonomy].get(name)) is not None:
                found.append(tag)
        return tuple(found)

    def _read(self, taxonomy: str) -> Taxonomy:
        try:
            classification = str(self._session.fetch(f"{URL}/{taxonomy}")["displayName"])
            told = items(self._session, f"{URL}/{taxonomy}/policyTags", "policyTags")
        except (Denied, Gone):
            return {}
        return {
            each["name"]: Tag(
                classification=classification,
                name=each["displayName"],
                description=each.get("description") or None,
            )
            for each in told
        }


def items(session: BigQuerySession, url: str, key: str) -> list[dict[str, str]]:
    """All items of a listing, page by page."""
    found: list[dict[str, str]] = []
    token = ""
    while True:
        page = session.fetch(url, pageSize=str(MOST), **({"pageToken": token} if token else {}))
        found += page.get(key) or []
        token = page.get("nextPageToken") or ""
        if not token:
            return found
