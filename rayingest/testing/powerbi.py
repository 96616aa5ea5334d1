"""A Power BI over HTTP for tests: a tenant's workspaces, and the scanner API of its admins.

A test holds keys and types of its answers against Microsoft's published description of the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid5

from rayingest.testing.rest import Json, RestWorld

TENANT, CLIENT_ID, CLIENT_SECRET = "contoso", "rayingest", "powerbi-canary-7e19"
INFO = "/admin/workspaces/getInfo"
MOST, AT_ONCE = 100, 16  # workspaces of a scan, scans at the same time
SCHEMA = 'Warehouse{[Schema="inventory",Item="%s"]}[Data]'
WAREHOUSE = """let
    Source = PostgreSQL.Database("db.example.com", Database)
in
    Source"""
DATABASE = '"shop" meta [IsParameterQuery=true, Type="Text", IsParameterQueryRequired=true]'
ORDERS = """let
    Orders = Warehouse{[Schema="inventory",Item="orders"]}[Data],
    #"Changed Type" = Table.TransformColumnTypes(Orders, {{"id", Int64.Type}, {"status", type text}}),
    #"Only Paid" = Table.SelectRows(#"Changed Type", each [status] = "paid") // others are drafts
in
    #"Only Paid\""""
USERS = """let
    Source = Value.NativeQuery(Warehouse, "select u.id#(lf)from inventory.users u", null, [EnableFolding=true])
in
    Source"""
CALENDAR = "CALENDAR(MIN(Orders[created]), MAX(Orders[created]))"
FILES = 'Excel.Workbook(File.Contents("C:\\targets.xlsx"), null, true)'
ANN, BOB = "ann@contoso.com", "bob@contoso.com"


def guid(kind: str, number: int) -> str:
    """An id as Power BI has them, the same each time."""
    return str(uuid5(NAMESPACE_URL, f"{kind}/{number}"))


@dataclass
class Scan:
    """One scan: of which workspaces, with which options, and how often it was asked after."""

    workspaces: list[str]
    wanted: dict[str, str]
    polls: int = 0
    over: bool = False


@dataclass
class World(RestWorld):
    """What there is. Every workspace has a report, a dashboard and a dataset; every second a dataflow.

    A scan is done when it was asked after `polls` times. `deleted` are ids of workspaces that vanish after
    they were listed, `poison` of those that no scan survives, `untold` of those that scans leave
    out; the first `scans_fail` scans fail. What came out of scans in `expired` is not kept. `gone` are ids of
    dashboards and reports. `admin`: whether the service principal may use admin APIs.
    """

    prefix: ClassVar[str] = "/v1.0/myorg"
    workspaces: int = 10
    personal: int = 2
    polls: int = 1
    admin: bool = True
    scans_fail: int = 0
    deleted: set[str] = field(default_factory=set)
    poison: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)
    scans: dict[str, Scan] = field(default_factory=dict)

    # --- who asks ---

    def log_in(self, path: str, told: Mapping[str, Any], token: str) -> tuple[int, Json]:
        """The token endpoint of Microsoft Entra."""
        asked = (told.get("grant_type"), told.get("client_id"), told.get("client_secret"))
        if path != f"/{TENANT}/oauth2/v2.0/token":
            return 400, _refusal("invalid_request", "AADSTS90002: Tenant not found.")
        if asked != ("client_credentials", CLIENT_ID, CLIENT_SECRET):
            return 401, _refusal("invalid_client", "AADSTS7000215: Invalid client secret provided.")
        if not str(told.get("scope", "")).endswith("/.default"):
            return 400, _refusal("invalid_scope", "AADSTS1002012: The scope is not valid.")
        return 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token}

    def error(self, message: str) -> Json:
        """See RestWorld."""
        return {"error": {"code": "PowerBIError", "message": message}}

    def stranger(self) -> tuple[int, Json]:
        """See RestWorld."""
        return 401, {"error": {"code": "TokenExpired", "message": "Access token has expired."}}

    # --- what is asked ---

    def ids(self) -> list[str]:
        """Dashboards, and reports, which the catalogue has as such."""
        kinds = ("dashboard", "report")
        return [guid(kind, at) for kind in kinds for at in range(1, self.workspaces + 1)]

    def workspace_ids(self) -> list[str]:
        """Those that are nobody's own."""
        return [guid("workspace", at) for at in range(1, self.workspaces + 1)]

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, Json]:
        """See RestWorld."""
        if not self.admin:
            return 401, self.error("The service principal may not use admin APIs.")
        match path.strip("/").split("/"):
            case ["admin", "workspaces", "modified"]:
                return 200, [{"id": each} for each in self._listed(query)]
            case ["admin", "groups"]:
                return self._groups(query)
            case ["admin", "workspaces", "scanStatus", scan] if scan in self.scans:
                return 200, self._status(scan)
            case ["admin", "workspaces", "scanResult", scan] if self._there(scan):
                return 200, self.result(scan)
            case _:
                return 404, self.error("The requested resource was not found.")

    def asked(self, path: str, told: Mapping[str, Any]) -> str | None:
        """See RestWorld: all but the log-in."""
        return path if path == INFO else None

    def answer_to(
        self, path: str, told: Mapping[str, Any], query: Mapping[str, str]
    ) -> tuple[int, Json]:
        """A scan is begun."""
        asked = told.get("workspaces")
        if not isinstance(asked, list) or not 1 <= len(asked) <= MOST:
            return 400, self.error("Workspaces must be a list of 1 to 100 ids.")
        if sum(not each.over for each in self.scans.values()) >= AT_ONCE:
            return 429, self.error("Too many scans at once.")
        scan = guid("scan", len(self.scans) + 1)
        self.scans[scan] = Scan(asked, dict(query))
        return 202, self._request(scan, "NotStarted")

    def _listed(self, query: Mapping[str, str]) -> list[str]:
        own = [guid("personal", at) for at in range(self.personal)]
        rest = [] if query.get("excludePersonalWorkspaces") == "True" else own
        return [*self.workspace_ids(), *rest]

    def _groups(self, query: Mapping[str, str]) -> tuple[int, Json]:
        if not 1 <= int(query.get("$top", "0")) <= 5000:
            return 400, self.error("$top must be from 1 to 5000.")
        first = int(query.get("$skip", "0"))
        found = [self.group(at) for at in range(1, self.workspaces + 1)]
        return 200, {"value": found[first : first + int(query["$top"])]}

    def group(self, at: int) -> Json:
        """A workspace as listings tell it."""
        return {
            "id": guid("workspace", at),
            "name": f"Workspace {at}",
            "type": "Workspace",
            "state": "Active",
            "isReadOnly": False,
            "isOnDedicatedCapacity": False,
        }

    def _status(self, scan: str) -> Json:
        of = self.scans[scan]
        of.polls += 1
        failing = list(self.scans).index(scan) < self.scans_fail or self.poison & {*of.workspaces}
        if of.polls <= self.polls:
            return self._request(scan, "Running")
        of.over = True
        if failing:
            error = {"code": "InternalServerError", "message": "The scan was given up."}
            return self._request(scan, "Failed") | {"error": error}
        return self._request(scan, "Succeeded")

    def _request(self, scan: str, status: str) -> Json:
        return {"id": scan, "createdDateTime": "2026-06-15T16:46:28.0487687Z", "status": status}

    def _there(self, scan: str) -> bool:
        return scan in self.scans and self.scans[scan].over and scan not in self.expired

    # --- what comes out of a scan ---

    def result(self, scan: str) -> Json:
        """All that was asked for of its workspaces."""
        of = self.scans[scan]
        numbers = {each: at for at, each in enumerate(self.workspace_ids(), 1)}
        told = [each for each in of.workspaces if each in numbers and each not in self.untold]
        return {"workspaces": [self.workspace(numbers[each], of.wanted) for each in told]}

    def workspace(self, at: int, wanted: Mapping[str, str]) -> Json:
        """A workspace with all that lies in it."""
        made = {
            "id": guid("workspace", at),
            "name": f"Workspace {at}",
            "description": f"What {at} is about.",
            "type": "Workspace",
            "state": "Active",
            "isOnDedicatedCapacity": False,
        }
        if made["id"] in self.deleted:
            return made | {"state": "Deleted"}
        users = wanted.get("getArtifactUsers") == "True"
        found = {
            "reports": [self.report(at, users=users)],
            "dashboards": [self.dashboard(at, users=users)],
        }
        kept = {
            kind: [each for each in items if each.get("id") not in self.gone]
            for kind, items in found.items()
        }
        flows = [] if at % 2 else [self.dataflow(at)]
        return made | kept | {"datasets": [self.dataset(at, wanted)], "dataflows": flows}

    def report(self, at: int, *, users: bool) -> Json:
        """Every third shows a dataset of the workspace before."""
        near = at % 3 or at == 1
        told: Json = {
            "id": guid("report", at),
            "name": f"Report {at}",
            "description": "Paid orders.",
            "datasetId": guid("dataset", at if near else at - 1),
            "createdBy": BOB,
            "createdDateTime": "2026-06-16T08:22:49.14",
            "modifiedBy": ANN,
            "modifiedDateTime": "2026-06-16T08:22:49.14",
        }
        if not near:
            told["datasetWorkspaceId"] = guid("workspace", at - 1)
        if at == 2:
            told["reportType"] = "PaginatedReport"
        if at % 2:
            told["endorsementDetails"] = {"endorsement": "Certified", "certifiedBy": ANN}
        return told | ({"users": [_user(BOB, "report", "ReadReshare")]} if users else {})

    def dashboard(self, at: int, *, users: bool) -> Json:
        """A tile of the report, one that asks the dataset, one with a text."""
        report, dataset = guid("report", at), guid("dataset", at)
        tiles = [
            {
                "id": guid("tile", at * 10),
                "title": "Revenue",
                "reportId": report,
                "datasetId": dataset,
            },
            {"id": guid("tile", at * 10 + 1), "title": "Orders by day", "datasetId": dataset},
            {"id": guid("tile", at * 10 + 2)},
        ]
        told: Json = {
            "id": guid("dashboard", at),
            "displayName": f"Dashboard {at}",
            "isReadOnly": False,
            "tiles": tiles,
            "sensitivityLabel": {"labelId": guid("label", 1)},
        }
        owners = [_user(ANN, "dashboard", "Owner"), _user(BOB, "dashboard", "Read")]
        return told | ({"users": owners} if users else {})

    def dataset(self, at: int, wanted: Mapping[str, str]) -> Json:
        """Orders and users of the warehouse, a calendar that is computed, targets out of a file."""
        told: Json = {
            "id": guid("dataset", at),
            "name": f"Dataset {at}",
            "configuredBy": ANN,
            "targetStorageMode": "Abf",
            "endorsementDetails": {"endorsement": "Promoted"},
        }
        if wanted.get("lineage") == "True" and at % 2 == 0:
            told["upstreamDataflows"] = [
                {"targetDataflowId": guid("dataflow", at), "groupId": guid("workspace", at)}
            ]
        if wanted.get("lineage") == "True" and at == 3:
            told["upstreamDatasets"] = [
                {"targetDatasetId": guid("dataset", 1), "groupId": guid("workspace", 1)}
            ]
        if wanted.get("datasetSchema") == "True":
            known = wanted.get("datasetExpressions") == "True"
            told["tables"] = [*_tables(known=known)]
            if known:
                told["expressions"] = [
                    {"name": "Warehouse", "expression": WAREHOUSE},
                    {"name": "Database", "expression": DATABASE},
                ]
        return told

    def dataflow(self, at: int) -> Json:
        """A dataflow."""
        return {
            "objectId": guid("dataflow", at),
            "name": f"Dataflow {at}",
            "description": "Cleaned.",
            "configuredBy": BOB,
            "modifiedBy": BOB,
            "modifiedDateTime": "2026-06-16T08:27:47.783Z",
        }


def _refusal(error: str, description: str) -> Json:
    return {"error": error, "error_description": description}


def _user(email: str, of: str, right: str) -> Json:
    return {
        "displayName": email.partition("@")[0].title(),
        "emailAddress": email,
        f"{of}UserAccessRight": right,
        "identifier": email,
        "graphId": guid("user", len(email)),
        "principalType": "User",
    }


def _column(name: str, kind: str) -> Json:
    return {"name": name, "dataType": kind, "isHidden": False}


def _tables(*, known: bool) -> list[Json]:
    row = _column("RowNumber-2662979B-1795-4F74-8F37-6A1BA8059B61", "Int64") | {"isHidden": True}
    orders = [
        row,
        _column("id", "Int64"),
        _column("status", "String"),
        _column("created", "DateTime"),
    ]
    revenue: Json = {"name": "Revenue", "description": "Of paid orders.", "isHidden": False}
    if known:
        revenue["expression"] = "SUM(Orders[total])"
    made: tuple[tuple[str, str, list[Json], list[Json]], ...] = (
        ("Orders", ORDERS, orders, [revenue]),
        ("Users", USERS, [row, _column("id", "Int64")], []),
        ("Calendar", CALENDAR, [row, _column("Date", "DateTime")], []),
        ("Targets", FILES, [row, _column("target", "Double")], []),
    )
    return [
        {"name": name, "isHidden": False, "columns": columns, "measures": measures}
        | ({"source": [{"expression": expression}]} if known else {})
        for name, expression, columns, measures in made
    ]
