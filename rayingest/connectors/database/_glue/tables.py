"""What Glue says of a table, in the words that all catalogues of Hive tables share: pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rayingest.kit.sql.facts import Wants
from rayingest.kit.sql.hive import described
from rayingest.kit.sql.hive.fields import Description, Field
from rayingest.model import Table

Json = Mapping[str, Any]
VIEWS = {described.VIEW, described.MATERIALIZED}
# https://github.com/apache/iceberg, IcebergToGlueConverter: columns that were dropped stay, marked.
_CURRENT, _OPTIONAL = "iceberg.field.current", "iceberg.field.optional"


def table(raw: Json, wants: Wants, identity: str, scope: str) -> Table:
    """A table or view; nothing is looked up."""
    storage = raw.get("StorageDescriptor") or {}
    told = Description(
        name=raw["Name"],
        kind=raw.get("TableType") or "",
        columns=tuple(_fields(storage.get("Columns") or ())),
        partitions=tuple(_fields(raw.get("PartitionKeys") or ())),
        parameters=raw.get("Parameters") or {},
        comment=raw.get("Description"),
        owner=raw.get("Owner"),
        location=storage.get("Location"),
        texts=tuple(_texts(raw)),
        elsewhere=bool(raw.get("TargetTable") or raw.get("FederatedTable")),
    )
    return described.table(told, wants, identity, scope)


def _fields(given: Sequence[Json]) -> Iterator[Field]:
    for raw in given:
        said = raw.get("Parameters") or {}
        if said.get(_CURRENT) != "false":
            required = said.get(_OPTIONAL) == "false"
            yield Field.of(
                raw["Name"], raw.get("Type") or "", raw.get("Comment"), required=required
            )


def _texts(raw: Json) -> Iterator[str | None]:
    representations = (raw.get("ViewDefinition") or {}).get("Representations") or ()
    for each in (raw, *representations):
        yield each.get("ViewOriginalText")
        yield each.get("ViewExpandedText")
