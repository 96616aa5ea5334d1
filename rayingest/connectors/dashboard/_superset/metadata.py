"""Superset's metadata database: what the API answers, by set-based SQL, in the API's words.

Four statements describe a batch of dashboards, four one of datasets.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rayingest.connectors.dashboard._superset import tables
from rayingest.connectors.dashboard._superset.entities import CUSTOM, DASHBOARD
from rayingest.connectors.dashboard._superset.pages import Pages
from rayingest.connectors.dashboard._superset.tables import NEEDED, Query
from rayingest.core.source import EntityDescriptor, Failed, Processed, Settings
from rayingest.errors import Gone, Permanent, RayingestError
from rayingest.kit.rest.kinds import Kind
from rayingest.kit.rest.pages import Pager
from rayingest.kit.rest.source import Listing
from rayingest.kit.sql.mysql.session import MySqlSession
from rayingest.kit.sql.places import schema_with
from rayingest.kit.sql.postgres.session import PgSession
from rayingest.model import EntityType

Row = dict[str, Any]
HAS_CATALOGS = (
    "select 1 from information_schema.columns"
    " where table_schema = %s and table_name = 'tables' and column_name = 'catalog'"
)
GRANT = f"SELECT on Superset's tables {', '.join(NEEDED)}."


@dataclass
class Metadata:
    """A session with the database; `url` is Superset's own, `quote` stands around names.

    `meant` says what the driver's errors mean, `only` which schema it must be, `usual` which one it
    is among several. It is asked by the API's paths, as `Api` is.
    """

    session: PgSession | MySqlSession
    url: str
    meant: Callable[[Exception], RayingestError | None]
    quote: str
    listings: Mapping[str, Query]
    only: str | None = None
    usual: str = ""
    place: str = ""
    catalogs: bool = True

    @property
    def calls(self) -> int:
        """Statements so far."""
        return self.session.calls

    def close(self) -> None:
        """Close the connection."""
        self.session.close()

    def log_in(self) -> None:
        """Find the schema that has Superset's tables. Raises Denied or Permanent when none has."""
        marks = ", ".join(["%s"] * len(NEEDED))
        query = (
            "select table_schema, table_name from information_schema.tables"  # noqa: S608 - marks only
            f" where table_name in ({marks})"
        )
        place = schema_with(
            NEEDED,
            [(row[0], row[1]) for row in self._rows(query, NEEDED)],
            whose="Superset's",
            grant=GRANT,
            only=self.only,
            usual=self.usual,
        )
        self.place = f"{self.quote}{place.replace(self.quote, self.quote * 2)}{self.quote}"
        self.catalogs = bool(self._rows(HAS_CATALOGS, [place]))

    def try_all(self) -> None:
        """Ask for one of each, which need not be there. Raises what a run would."""
        self.dashboards([0])
        self.datasets([0])

    def items(
        self, path: str, pager: Pager, params: Mapping[str, str] | None = None
    ) -> Iterator[Row]:
        """All rows of a listing, with the columns that its pages would have."""
        query = self.listings[path]
        wanted = pager.columns if isinstance(pager, Pages) else ()
        yield from self._asked(query.only(wanted) if wanted else query)

    def dashboards(self, ids: Sequence[int]) -> dict[int, list[Any]]:
        """What two calls of the API answer about each; those that vanished are left out."""
        owners, named, charts = (
            self._by(each, ids)
            for each in (tables.DASHBOARD_OWNERS, tables.DASHBOARD_TAGS, tables.CHARTS)
        )
        made = {}
        for raw in self._asked(tables.DASHBOARD, ids):
            which = raw["id"]
            raw["url"] = f"/superset/dashboard/{raw['slug'] or which}/"
            raw["owners"] = owners[which]
            raw["tags"] = [{**each, "type": CUSTOM} for each in named[which]]
            made[which] = [{"result": raw}, {"result": [_chart(each) for each in charts[which]]}]
        return made

    def datasets(self, ids: Sequence[int]) -> dict[int, list[Any]]:
        """What one call of the API answers about each; those that vanished are left out."""
        owners, columns, metrics = (
            self._by(each, ids) for each in (tables.DATASET_OWNERS, tables.COLUMNS, tables.METRICS)
        )
        made = {}
        for raw in self._asked(tables.DATASET, ids):
            which = raw["id"]
            raw["database"] = {"backend": raw["scheme"].partition("+")[0]}
            raw |= {"owners": owners[which], "columns": columns[which], "metrics": metrics[which]}
            made[which] = [{"result": raw}]
        return made

    def _by(self, query: Query, ids: Sequence[int]) -> dict[int, list[Row]]:
        found: dict[int, list[Row]] = defaultdict(list)
        for each in self._asked(query, ids):
            found[each["of"]].append(each)
        return found

    def _asked(self, query: Query, ids: Sequence[int] = ()) -> list[Row]:
        if not self.place:
            self.log_in()
        marks = ", ".join(["%s"] * len(ids))
        text = query.text if self.catalogs else query.text.replace(tables.CATALOG, "null")
        text = text.replace('"', self.quote).format(s=self.place, ids=marks)
        return [dict(zip(query.columns, row, strict=True)) for row in self._rows(text, ids)]

    def _rows(self, query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            return self.session.rows(query, parameters)
        except Exception as error:
            meant = self.meant(error) or error
            if isinstance(meant, Gone):  # a table or a column, which must not look like a dashboard
                raise Permanent(
                    f"Superset's tables are not those that are known, of 3.1 and newer: {meant}"
                ) from error
            raise meant from error


def _chart(row: Row) -> Row:
    source = f"{row['datasource_id']}__{row['datasource_type']}"
    return {**row, "form_data": {"viz_type": row["viz_type"], "datasource": source}}


class MetadataSource(Listing):
    """A session that lists and describes out of the database, many entities at once."""

    def __init__(
        self,
        kinds: Mapping[EntityType, Kind],
        metadata: Metadata,
        settings: Settings,
        context: Any,
    ) -> None:
        super().__init__(kinds, metadata, settings, context)
        self._metadata = metadata

    def cancel(self) -> None:
        """Make a running statement raise."""
        self._metadata.session.cancel()

    def process_entities(self, descriptors: Sequence[EntityDescriptor]) -> Iterator[Processed]:
        """As many statements for each type as one entity would need."""
        for kind in dict.fromkeys(each.type for each in descriptors):
            batch = [each for each in descriptors if each.type is kind]
            ask = self._metadata.dashboards if kind is DASHBOARD else self._metadata.datasets
            answers = ask([int(each.metadata["id"]) for each in batch])
            for each in batch:
                try:
                    yield self._found_out(each, answers.get(int(each.metadata["id"])))
                except RayingestError as error:
                    yield Failed(each, error)

    def _found_out(self, descriptor: EntityDescriptor, answers: Sequence[Any] | None) -> Any:
        if answers is None:
            raise Gone(f"{descriptor.metadata['id']} is not there any more")
        return self._told(descriptor, answers)
