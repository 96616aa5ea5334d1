"""A session that writes nothing: rows are held against the schemas, where they are at hand."""

import os
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from rayingest.core.sink import ACKNOWLEDGED, Answer, Row
from rayingest.sinks.openmetadata.session import OpenMetadataSession

CONTRACTS = "RAYINGEST_CONTRACTS"
_BASE = "json-schema:///"
_SCHEMAS = {
    "databaseService": "api/services/createDatabaseService.json",
    "database": "api/data/createDatabase.json",
    "databaseSchema": "api/data/createDatabaseSchema.json",
    "table": "api/data/createTable.json",
    "storedProcedure": "api/data/createStoredProcedure.json",
    "dashboardService": "api/services/createDashboardService.json",
    "dashboard": "api/data/createDashboard.json",
    "chart": "api/data/createChart.json",
    "dashboardDataModel": "api/data/createDashboardDataModel.json",
}


class DrySession(OpenMetadataSession):
    """Encodes, looks up, validates, and acknowledges without a write."""

    def write(self, entity_type: str, rows: Sequence[Row]) -> Sequence[Answer]:
        """Validate each row against its schema if RAYINGEST_CONTRACTS says where they are."""
        check = validator(entity_type)
        return [self._judged(row, check) for row in rows]

    def delete(
        self,
        entity_type: str,
        fqns: Sequence[str],
        *,
        scope: str,
        seen: Collection[str] | None = None,
    ) -> Sequence[Answer]:
        """Say what would be deleted: what the catalogue has."""
        return [self._remover.try_one(entity_type, name) for name in fqns]

    def _judged(self, row: Row, check: Any) -> Answer:
        if check is None:
            return ACKNOWLEDGED
        error = next(check.iter_errors(msgspec.json.decode(row.body)), None)
        if error is None:
            return ACKNOWLEDGED
        where = "/".join(map(str, error.instance_path))
        return Answer("refused", self.client.scrub(f"{where or 'body'}: {error.message}"))


@cache
def validator(entity_type: str) -> Any:
    """A JSON schema validator of a type's create request; None without schemas or a library."""
    schema = _SCHEMAS.get(entity_type)
    folder = os.environ.get(CONTRACTS)
    if schema is None or not folder:
        return None
    root = Path(folder).expanduser() / "openmetadata" / "schemas"
    try:
        import jsonschema_rs
    except ImportError:
        return None
    if not root.is_dir():
        return None

    def read(uri: str) -> Any:
        document = msgspec.json.decode((root / uri.removeprefix(_BASE)).read_bytes())
        document.pop("$id", None)  # some are wrong; where the file lies is right
        return document

    return jsonschema_rs.Draft7Validator({"$ref": _BASE + schema}, retriever=read)
