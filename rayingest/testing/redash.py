"""A Redash over HTTP for tests: data sources, dashboards with visualizations, texts and restricted widgets.

Nothing of Redash's own can be installed to judge it. Keys and refusals were compared by hand with
`serialize_dashboard`, `serialize_widget`, `serialize_visualization` and `serialize_query` in
`redash/serializers/__init__.py`, `DataSource.to_dict` in `redash/models`, `paginate` in
`redash/handlers/base.py` and the handlers of dashboards and data sources, at
https://github.com/getredash/redash; layouts, hashes and dates are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message

from rayingest.testing.rest import Json, RestWorld

KEY = "redash-canary-51c7"
VISUALIZATIONS: tuple[tuple[str, str, int, Json], ...] = (
    ("CHART", "By month", 1, {"globalSeriesType": "column"}),
    ("CHART", "Trend", 1, {"globalSeriesType": "line"}),
    ("TABLE", "Table", 2, {}),
    ("COUNTER", "How many", 3, {"counterColName": "count"}),
    ("TABLE", "Table", 4, {}),
)
PARAMETERS = {"from": "2026-01-01", "status": "paid"}
QUERIES = (
    (1, 'SELECT date_trunc(\'month\', created), count(*) FROM inventory.orders WHERE created > \'{{ from }}\' AND "status" IN ({{ status }}) GROUP BY 1'),
    (1, "SELECT * FROM inventory.users u JOIN inventory.products p ON p.owner = u.id {{#recent}}WHERE u.day > {{{ day }}}{{/recent}} LIMIT {{ most }}"),
    (2, '{"collection": "{{ name }}", "query": {"day": {"$humanTime": "3 days ago"}}, "limit": {{ most }}}'),
    (3, "SELECT * FROM query_1 JOIN query_2 USING (id)"),
)  # fmt: skip
SOURCES = (("Warehouse", "pg", "sql"), ("Documents", "mongodb", "json"), ("Results", "results", "sql"))  # fmt: skip
OWNERS = (("Ann", "ann@example.com"), ("Bob", "bob@example.com"))
MOST = 250  # items of a page


@dataclass
class World(RestWorld):
    """What there is. Before `version` 10 dashboards have no address by id.

    Those that are `gone` are archived; `drafts` are ids of dashboards. Without a group (`alone`) a user
    may not list data sources.
    """

    dashboards: int = 20
    version: int = 10
    alone: bool = False
    drafts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """The user's key is known from the start."""
        self.tokens[KEY] = 0

    def token_of(self, headers: "Message[str, str]") -> str:
        """See RestWorld."""
        return headers.get("Authorization", "").removeprefix("Key ")

    def stranger(self) -> tuple[int, Json]:
        """Redash hides even that there is something: `redirect_to_login` in `redash/authentication`."""
        return 404, self.error("Couldn't find resource. Please login and try again.")

    def ids(self) -> list[str]:
        """Dashboards by id."""
        return [str(number) for number in range(1, self.dashboards + 1)]

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, Json]:
        """See RestWorld."""
        match path.strip("/").split("/"):
            case ["api", "dashboards"]:
                return self._page(query)
            case ["api", "data_sources"]:
                refused = 403, self.error("You don't have the permission to access the resource.")
                return refused if self.alone else (200, [*map(_source, range(len(SOURCES)))])
            case ["api", "dashboards", key]:
                return self._asked(key)
            case _:
                return 404, self.error("The requested URL was not found on the server.")

    def _asked(self, key: str) -> tuple[int, Json]:
        by = {each if self.version >= 10 else _slug(int(each)): each for each in self.ids()}
        if key not in by:
            return 404, self.error("The requested URL was not found on the server.")
        if by[key] in self.denied:
            return 403, self.error("You don't have the permission to access the resource.")
        return 200, self.dashboard(by[key])

    def _page(self, query: Mapping[str, str]) -> tuple[int, Json]:
        page, size = int(query.get("page", "1")), int(query.get("page_size", "25"))
        listed = [each for each in self.ids() if each not in self.gone]
        if not 1 <= size <= MOST:
            return 400, self.error("Page size is out of range (1-250).")
        if (page - 1) * size + 1 > len(listed) > 0:
            return 400, self.error("Page is out of range.")
        found = [self._told(each) for each in listed[(page - 1) * size : page * size]]
        return 200, {"count": len(listed), "page": page, "page_size": size, "results": found}

    def _told(self, identity: str) -> Json:
        number = int(identity)
        return {
            "id": number,
            "slug": _slug(number),
            "name": f"Dashboard {number}",
            "user_id": number % 2,
            "user": _user(number % 2),
            "dashboard_filters_enabled": False,
            "widgets": None,
            "is_archived": identity in self.gone,
            "is_draft": identity in self.drafts,
            "tags": ["sales"] if number % 2 else [],
            "version": 3,
            "is_favorite": False,
        }

    def dashboard(self, identity: str) -> Json:
        """What one call tells of a dashboard: two visualizations, a text, and one that is restricted."""
        number = int(identity)
        drawn = [_widget(number, at) | {"visualization": _drawn(number + at)} for at in (1, 2)]
        written = _widget(number, 3) | {"text": f"## Notes of {number}\nPaid orders only."}
        hidden = _widget(number, 4) | {"restricted": True}
        del hidden["text"]
        widgets = [*drawn, written, hidden]
        return self._told(identity) | {"widgets": widgets, "can_edit": False}


def _slug(number: int) -> str:
    return f"dashboard_{number}"


def _user(number: int) -> Json:
    name, email = OWNERS[number]
    return {"id": number, "name": name, "email": email}


def _source(at: int) -> Json:
    name, kind, syntax = SOURCES[at]
    return {
        "id": at + 1,
        "name": name,
        "type": kind,
        "syntax": syntax,
        "paused": 0,
        "pause_reason": None,
        "supports_auto_limit": syntax == "sql",
        "view_only": False,
    }


def _widget(number: int, at: int) -> Json:
    return {
        "id": number * 10 + at,
        "width": 1,
        "options": {"position": {"col": 0, "row": at, "sizeX": 3, "sizeY": 8}},
        "dashboard_id": number,
        "text": "",
    }


def _drawn(at: int) -> Json:
    """A visualization; several dashboards show the same."""
    kind, name, which, options = VISUALIZATIONS[at % len(VISUALIZATIONS)]
    source, sql = QUERIES[which - 1]
    query = {
        "id": which,
        "name": f"Query {which}",
        "description": "Counted daily." if which > 1 else None,
        "query": sql,
        "is_archived": False,
        "is_draft": False,
        "data_source_id": source,
        "options": {"parameters": [{"name": key, "value": each} for key, each in PARAMETERS.items()]},
        "version": 1,
        "tags": [],
        "is_safe": True,
        "user": _user(0),
        "last_modified_by": _user(1),
    }  # fmt: skip
    return {
        "id": at % len(VISUALIZATIONS) + 1,
        "type": kind,
        "name": name,
        "description": "" if kind == "TABLE" else f"As a {kind.lower()}.",
        "options": options,
        "query": query,
    }
