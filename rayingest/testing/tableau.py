"""A Tableau of any size over HTTP, its REST API and its Metadata API, that can be slow, throttle, fail and forget.

It answers in JSON or in XML, as it is asked; a test has the vendor's client read it. A sign-in with a
personal access token ends the one before. Questions to the Metadata API are run by graphql-core
(`_tableau_metadata.py`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

from rayingest.testing import _tableau_metadata as metadata
from rayingest.testing._tableau_metadata import luid
from rayingest.testing.rest import Json, RestWorld

TOKEN, SECRET = "rayingest", "tableau-canary-7d02"
USERNAME, PASSWORD = "ann", "tableau-canary-91c4"
VERSION, SITE, SITE_NAME = "3.25", "5171e000-0000-4000-8000-000000000001", "shop"
SHEETS = ("Overview", "By Region", "Detail")
NAMESPACE = "http://tableau.com/api"
TEXTS = {"restApiVersion", "summary", "detail"}  # elements with text; the others have attributes


@dataclass
class World(RestWorld):
    """What there is, and how it behaves; changed at any time.

    `metadata` is whether there is a Metadata API, `nodes` how many objects it tells at once; `said` are
    errors that it has beside its data, by operation, each as often as it is there. `hidden` are lists
    that the account may not see. `looks` says how often some views were looked at.
    """

    prefix: ClassVar[str] = "/api"
    dashboards: int = 20
    published: int = 3
    views: int = 3
    metadata: bool = True
    nodes: int = 20_000
    said: dict[str, list[Json]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    pats: set[str] = field(default_factory=set)
    looks: dict[str, int] = field(default_factory=dict)

    def ids(self) -> list[str]:
        """See RestWorld."""
        return [luid("work", number) for number in range(1, self.dashboards + 1)]

    # --- who asks ---

    def token_of(self, headers: "Message[str, str]") -> str:
        """See RestWorld."""
        return headers.get("X-Tableau-Auth", "")

    def log_in(self, path: str, told: Mapping[str, Any], token: str) -> tuple[int, Json]:
        """See RestWorld."""
        who = told.get("credentials", {})
        pat = (who.get("personalAccessTokenName"), who.get("personalAccessTokenSecret"))
        known = pat == (TOKEN, SECRET) or (who.get("name"), who.get("password")) == (
            USERNAME,
            PASSWORD,
        )
        if not known or who.get("site", {}).get("contentUrl") != SITE_NAME:
            return 401, _error("401001", "Signin Error", "Error signing in to Tableau Server")
        if pat[0]:
            for each in self.pats:
                self.tokens.pop(each, None)
            self.pats = {token}
        site, user = {"id": SITE, "contentUrl": SITE_NAME}, {"id": luid("user", 1)}
        return 200, {"credentials": {"token": token, "site": site, "user": user}}

    def open_to_all(self, path: str) -> bool:
        """See RestWorld."""
        return path.endswith("/serverInfo")

    def stranger(self) -> tuple[int, Json]:
        """See RestWorld."""
        return 401, _error("401002", "Unauthorized Access", "Invalid authentication credentials")

    def error(self, message: str) -> Json:
        """See RestWorld."""
        return _error("500000", "Internal Server Error", message)

    # --- how it is said ---

    def read(self, content: str, kind: str) -> Mapping[str, Any]:
        """See RestWorld."""
        if not content.startswith("<"):
            return super().read(content, kind)
        request = ET.fromstring(content)  # noqa: S314 - of a test
        return {_plain(each.tag): _told(each) for each in request}

    def encoded(self, body: Json, wanted: str) -> tuple[str, bytes]:
        """See RestWorld."""
        if "json" in wanted or "data" in body or "errors" in body:
            return super().encoded(body, wanted)
        root = ET.Element("tsResponse", xmlns=NAMESPACE)
        for name, each in body.items():
            _write(root, name, each)
        return "application/xml", ET.tostring(root)

    # --- what there is ---

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Json]:
        """See RestWorld."""
        match path.strip("/").split("/"):
            case [_, "serverInfo"]:
                product = {"value": "2025.1.0", "build": "20251.25.0101.0101"}
                return 200, {"serverInfo": {"productVersion": product, "restApiVersion": VERSION}}
            case [_, "sites", site, "workbooks", each] if site == SITE:
                return self._workbook(each)
            case [_, "sites", site, many] if site == SITE and many in self.hidden:
                return 403, _error("403004", "Forbidden", f"The user may not list {many}")
            case [_, "sites", site, many] if site == SITE and many in self._lists():
                return self._page(many, query)
            case _:
                return 404, _error("404000", "Resource Not Found", f"Unknown resource {path}")

    def _lists(self) -> dict[str, Sequence[Json]]:
        return {
            "projects": PROJECTS,
            "users": USERS,
            "workbooks": [self.workbook(each) for each in self.ids() if each not in self.gone],
            "datasources": [self.data_source(at) for at in range(1, self.published + 1)],
            "views": [
                each
                for identity in self.ids()
                if identity not in self.gone
                for each in self.listed_views(identity)
            ],
        }

    def _page(self, many: str, query: dict[str, str]) -> tuple[int, Json]:
        number, size = int(query.get("pageNumber", "1")), int(query.get("pageSize", "100"))
        found = self._lists()[many]
        sorts = {each.partition(":")[0] for each in query.get("sort", "name").split(",")}
        if sorts - ({"name"} if many == "users" else {"name", "createdAt"}):
            return 400, _error("400006", "Bad Request", f"Cannot sort by {query['sort']}")
        if size > 1000:
            return 403, _error("403014", "Forbidden", "Page size may not exceed 1000")
        if number > 1 and (number - 1) * size >= len(found):
            return 400, _error("400006", "Bad Request", f"Invalid page number '{number}'")
        if query.get("includeUsageStatistics") != "true":
            found = [{key: each[key] for key in each if key != "usage"} for each in found]
        told = (("pageNumber", number), ("pageSize", size), ("totalAvailable", len(found)))
        some = found[(number - 1) * size : number * size]
        inner = {many.removesuffix("s"): some} if some else {}
        return 200, {"pagination": {key: str(each) for key, each in told}, many: inner}

    def workbook(self, identity: str) -> Json:
        """A workbook as a listing tells it; each fifth one is in somebody's own space."""
        number = int(identity[-12:])
        name = f"Workbook {number}"
        project = None if number % 5 == 0 else PROJECTS[number % len(PROJECTS)]
        where = {"project": {key: project[key] for key in ("id", "name")}} if project else {}
        return {
            "id": identity,
            "name": name,
            **({"description": f"What {number} shows."} if number % 2 else {}),
            "contentUrl": name.replace(" ", ""),
            "webpageUrl": f"http://tableau.internal/#/site/{SITE_NAME}/workbooks/{number}",
            "showTabs": "true",
            "size": "1",
            "createdAt": "2024-02-14T04:42:09Z",
            "updatedAt": "2024-02-14T04:42:10Z",
            **where,
            "owner": {"id": USERS[number % len(USERS)]["id"]},
            "tags": {"tag": [{"label": "certified"}]} if number % 2 else {},
        }

    def _workbook(self, identity: str) -> tuple[int, Json]:
        if identity in self.denied:
            return 403, _error("403004", "Forbidden", "The user may not read the workbook")
        if identity not in self.ids() or identity in self.gone:
            return 404, _error("404006", "Resource Not Found", "Workbook could not be found")
        whole = self.workbook(identity)
        views = [self._view(whole, at) for at in range(self.views)]
        return 200, {"workbook": {**whole, "views": {"view": views} if views else {}}}

    def _view(self, workbook: Json, at: int) -> Json:
        name = SHEETS[at % len(SHEETS)]
        url = name.replace(" ", "")
        return {
            "id": luid("view", int(workbook["id"][-12:]) * 100 + at),
            "name": name,
            "contentUrl": f"{workbook['contentUrl']}/sheets/{url}",
            "viewUrlName": url,
            "tags": {"tag": [{"label": "pii"}]} if at == 1 else {},
        }

    def listed_views(self, identity: str) -> list[Json]:
        """The views of a workbook as the listing of all views tells them, with their usage."""
        whole = self.workbook(identity)
        views = [self._view(whole, at) for at in range(self.views)]
        return [
            {
                **each,
                "createdAt": whole["createdAt"],
                "updatedAt": whole["updatedAt"],
                "workbook": {"id": identity},
                "owner": whole["owner"],
                "usage": {"totalViewCount": str(self.looks.get(each["id"], int(each["id"][-3:])))},
            }
            for each in views
        ]

    def data_source(self, number: int) -> Json:
        """A published data source as a listing tells it."""
        return {
            "id": luid("data", number),
            "name": f"Source {number}",
            "description": "What others ask.",
            "contentUrl": f"Source{number}",
            "webpageUrl": f"http://tableau.internal/#/site/{SITE_NAME}/datasources/{number}",
            "type": "postgres",
            "createdAt": "2024-02-14T04:42:09Z",
            "updatedAt": "2024-02-14T04:42:10Z",
            "project": {key: PROJECTS[1][key] for key in ("id", "name")},
            "owner": {"id": USERS[0]["id"]},
            "tags": {"tag": [{"label": "gold"}]} if number == 1 else {},
        }

    # --- the Metadata API ---

    def asked(self, path: str, told: Mapping[str, Any]) -> str | None:
        """See RestWorld."""
        if path != "/metadata/graphql":
            return None
        about = json.dumps(told.get("variables"), sort_keys=True)
        return f"{path}/{told.get('operationName')}?{about}"

    def answer_to(
        self, path: str, told: Mapping[str, Any], query: Mapping[str, str]
    ) -> tuple[int, Json]:
        """See RestWorld."""
        if not self.metadata:
            return 404, _error("404000", "Resource Not Found", f"Unknown resource {path}")
        errors = self.said.get(str(told.get("operationName"))) or []
        body = metadata.run(told, self.graph(), self.nodes)
        if errors:
            error = errors.pop(0)
            body = {**body, "errors": [*body.get("errors", ()), error]}
            if error.get("extensions", {}).get("severity") != "WARNING":
                body["data"] = None
        return 200, body

    def graph(self) -> dict[str, list[Json]]:
        """What the Metadata API knows."""
        there = [int(each[-12:]) for each in self.ids() if each not in self.gone]
        return metadata.graph(there, self.published)


def _error(code: str, summary: str, detail: str) -> Json:
    return {"error": {"code": code, "summary": summary, "detail": detail}}


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _told(element: ET.Element) -> Json:
    return {**element.attrib, **{_plain(each.tag): _told(each) for each in element}}


def _write(parent: ET.Element, name: str, told: Json) -> None:
    """Objects are elements, what they hold attributes; a list is its element as often."""
    for each in told if isinstance(told, list) else [told]:
        element = ET.SubElement(parent, name)
        for key, value in each.items():
            if key in TEXTS:
                ET.SubElement(element, key).text = value
            elif name == "productVersion" and key == "value":
                element.text = value
            elif isinstance(value, dict | list):
                _write(element, key, value)
            else:
                element.set(key, value)


PROJECTS = [
    {"id": luid("proj", 1), "name": "Default", "description": "Everybody's."},
    {"id": luid("proj", 2), "name": "Finance", "description": "Money."},
    {
        "id": luid("proj", 3),
        "name": "Board",
        "description": "For few.",
        "parentProjectId": luid("proj", 2),
    },
]
USERS = [
    {"id": luid("user", 1), "name": "ann", "siteRole": "Creator", "email": "ann@example.com"},
    {"id": luid("user", 2), "name": "bob", "siteRole": "Explorer", "email": "bob@example.com"},
    {"id": luid("user", 3), "name": "cid", "siteRole": "Viewer"},
]
