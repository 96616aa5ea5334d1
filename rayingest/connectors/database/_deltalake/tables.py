"""What a log's `metaData` tells, as a table of the catalogue: pure."""

import json
from collections.abc import Mapping
from typing import Any

from rayingest.kit.sql.spark import columns
from rayingest.model import PartitionColumn, Table


def table(
    metadata: Mapping[str, Any], location: str, *, name: str, identity: str, scope: str
) -> Table:
    """Names are those that people see: a log that maps columns has their names in the files beside them."""
    return Table(
        name=name,
        fqn=identity,
        database_schema=scope,
        display_name=metadata.get("name") or None,
        description=metadata.get("description") or None,
        columns=tuple(columns(json.loads(metadata["schemaString"])["fields"])),
        partition=tuple(
            PartitionColumn(column_name=each, interval_type="COLUMN-VALUE")
            for each in metadata.get("partitionColumns") or ()
        ),
        location_path=location,
    )
