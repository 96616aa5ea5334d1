"""One session with a cluster: statements counted, and what it knows of the catalogs."""

from collections.abc import Collection, Mapping

from rayingest.errors import RayingestError
from rayingest.kit.sql.trino.statements import Row, Statements
from rayingest.kit.sql.trino.text import Key, listed, literal

COMMENTS = """select schema_name, table_name, comment from system.metadata.table_comments
 where catalog_name = {catalog} and schema_name in ({schemas}){table} and comment is not null"""


class TrinoSession:
    """Statements of one user; `database` is the catalog that it reads just now.

    `schema` is the only one to read, where there is one; `alone`: it must be in this catalog.
    `metadata` are the tables of system.metadata that it may read; why there are none says `blind`.
    """

    def __init__(
        self, statements: Statements, database: str, schema: str | None = None, *, alone: bool
    ) -> None:
        self.statements = statements
        self.database = database
        self.schema = schema
        self.alone = alone
        self.catalogs: tuple[str, ...] = ()
        self.metadata: frozenset[str] = frozenset()
        self.blind: RayingestError | None = None
        self._comments: dict[tuple[str, str], dict[Key, str]] = {}

    @property
    def calls(self) -> int:
        """Statements sent."""
        return self.statements.calls

    @property
    def user(self) -> str:
        """Who asks."""
        return self.statements.http.user

    @property
    def url(self) -> str:
        """Where the coordinator is."""
        return self.statements.http.url

    def rows(self, statement: str) -> list[Row]:
        """Run one statement."""
        return self.statements.rows(statement)

    def cancel(self) -> None:
        """End the running statement."""
        self.statements.cancel()

    def close(self) -> None:
        """Close the connection."""
        self.statements.http.close()

    def comments(self, keys: Collection[Key]) -> Mapping[Key, str]:
        """Comments on tables. Trino reads those of one table or of a whole schema, nothing between.

        A schema's are kept: the next batch of its tables asks for none.
        """
        if "table_comments" not in self.metadata or not keys:
            return {}
        schemas = {schema for schema, _ in keys}
        missing = sorted(each for each in schemas if (self.database, each) not in self._comments)
        if not missing:
            return self._known(schemas)
        if len(keys) == 1:
            ((_, name),) = keys
            return self._asked(missing, f" and table_name = {literal(name)}")
        found = self._asked(missing)
        self._comments = {  # those of the batch alone: memory has an end
            (self.database, each): {key: text for key, text in found.items() if key[0] == each}
            for each in missing
        } | {place: each for place, each in self._comments.items() if place[1] in schemas}
        return self._known(schemas)

    def _known(self, schemas: Collection[str]) -> Mapping[Key, str]:
        known = (self._comments.get((self.database, each), {}) for each in schemas)
        return {key: text for each in known for key, text in each.items()}

    def _asked(self, schemas: Collection[str], table: str = "") -> dict[Key, str]:
        catalog, named = literal(self.database), listed(schemas)
        rows = self.rows(COMMENTS.format(catalog=catalog, schemas=named, table=table))
        return {(row[0], row[1]): row[2] for row in rows if row[2]}


def turn(session: TrinoSession, database: str) -> None:
    """Make a session read another catalog."""
    session.database = database
