"""pysqlbridge in one process, run by the Python of an environment that has it: see pysqlbridge.py.

It serves one database of plain tables. It is given an account of Windows, more databases, rows in its views of `sys`, views
that it lacks, errors, delays and broken answers, all over its own connections by statements that begin
with `/* ours */`. What it only has from here proves nothing of SQL Server but this: the statements
that ask are T-SQL, and name columns that Microsoft documents.
"""

import json
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import environ
from pathlib import Path
from typing import Any

Json = dict[str, Any]
MARK = "/* ours */"
NUMBER, NAME, TEXT = "number", "name", "text"
# Of views that it does not know, the columns that are asked for:
# https://learn.microsoft.com/en-us/sql/relational-databases/system-catalog-views/ and there sys-check-constraints-…,
# sys-external-tables-…, sys-external-data-sources-…, sys-pdw-column-distribution-properties-transact-sql.
MORE = {
    "check_constraints": {"object_id": NUMBER, "parent_object_id": NUMBER, "definition": TEXT},
    "external_tables": {"object_id": NUMBER, "data_source_id": NUMBER, "location": TEXT},
    "external_data_sources": {"data_source_id": NUMBER, "name": NAME, "location": TEXT},
    "pdw_column_distribution_properties": {
        "object_id": NUMBER,
        "column_id": NUMBER,
        "distribution_ordinal": NUMBER,
    },
}
FIRST = 5  # the number of the first database that is not the system's


@dataclass
class Behaviour:
    """How statements with `where` in them are answered: with an error, after a wait, by half an answer.

    `instead` maps parts of statements to what stands in their place, before they are looked at.
    """

    where: str = ""
    number: int = 0
    message: str = "it says why"
    times: int = 1_000_000
    wait: float = 0
    cut: bool = False
    instead: dict[str, str] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)


class State:
    """What all connections share; `main` is the database that pysqlbridge has of its own."""

    def __init__(self, main: str, certificate: str) -> None:
        self.main = main
        self.certificate = certificate
        self.behaviour = Behaviour()
        self.rows: dict[str, dict[str, list[Json]]] = {main: {}}
        self.asked: list[str] = []

    def told(self, command: Json) -> Sequence[str]:
        """Do what a test asks for."""
        match str(command.pop("do")):
            case "put":
                views = self.rows.setdefault(command["database"], {})
                for view, rows in command["views"].items():
                    views.setdefault(view, []).extend(rows)
            case "behave":
                self.behaviour.released.set()
                self.behaviour, self.asked = Behaviour(**command), []
            case "asked":
                return self.asked
            case "certificate":
                return [self.certificate]
            case _:
                pass
        return []


class Cut(BaseException):
    """The connection ends here; no `except Exception` of theirs may hold it."""


def completed(state: State) -> Any:
    """Its catalogue, with rows of ours in the views of `sys`."""
    from pysqlbridge import catalog
    from pysqlbridge.source import Table
    from pysqlbridge.tds.result import Column, Integer, NVarChar, QueryError

    kinds = {NUMBER: Integer(4), NAME: NVarChar(128), TEXT: NVarChar(None)}

    def wide(column: Any) -> Any:
        """A definition may be longer than its own are."""
        return Column(column.name, kinds[TEXT]) if column.name == "definition" else column

    def row(columns: list[Any], said: Json) -> list[Any]:
        if strange := said.keys() - {each.name for each in columns}:
            raise QueryError(f"no such columns: {sorted(strange)}")
        return [said.get(each.name) for each in columns]

    class Catalogue(catalog.Catalog):  # type: ignore[misc]
        def _about(self, query: Any) -> Json:
            return {**super()._about(query), "at": (query.session or {}).get("at")}

        def get(self, name: str, schema: str | None = None, parameters: Json | None = None) -> Any:
            if (schema or "").lower() != "sys":
                return super().get(name, schema, parameters)
            name = name.lower()
            columns = [Column(each, kinds[kind]) for each, kind in MORE.get(name, {}).items()]
            view = Table(name, columns, []) if columns else super().get(name, schema, parameters)
            about = (parameters or {}).get(catalog.CONTEXT) or {}
            at = about.get("at") or state.main
            of_all = name in {"databases", "types"}
            kept = view.rows if of_all or at == state.main else []
            said = state.rows.get(at, {}).get(name, [])
            if name == "databases":
                plain = dict(zip([each.name for each in view.columns], kept[0], strict=True))
                more = enumerate((each for each in state.rows if each != state.main), FIRST)
                said = [{**plain, "name": each, "database_id": number} for number, each in more]
            rows = [*kept, *(row(view.columns, each) for each in said)]
            return Table(view.name, [wide(each) for each in view.columns], rows)

    return Catalogue()


class Windows:
    """Who signs in with an account of Windows: its own asks Windows, ours a file of accounts."""

    def __init__(self) -> None:
        import spnego

        self._context = spnego.server(protocol="negotiate")

    @property
    def username(self) -> str | None:
        """Who it is, once that is settled."""
        return self._context.client_principal

    def step(self, token: bytes) -> Any:
        """Answer one token of the client's."""
        from pysqlbridge.auth import AuthResult

        answer = self._context.step(token)
        return AuthResult(token=answer or b"", complete=self._context.complete)


def connections(state: State) -> Any:
    """Its connection, in the database that the client asks for."""
    from pysqlbridge.tds import connection
    from pysqlbridge.tds.token import DoneStatus, done, error

    class Connection(connection.Connection):  # type: ignore[misc]
        cut = False

        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, acceptor_factory=Windows, **named)

        def _take_message(self) -> Any:
            """SQL Server takes the rest of a sign-in under the number of its beginning, too.

            python-tds writes it so; see https://github.com/tiberius-rs/tiberius/pull/351.
            """
            message = super()._take_message()
            if message is not None and self._state is connection.ConnectionState.EXPECT_SSPI:
                return message._replace(type=connection.PacketType.SSPI)
            return message

        def _about(self) -> Any:
            about = super()._about()
            about["at"], about["connection"] = self.login.database, self
            return about

        def _finish_login(self, responses: list[bytes]) -> None:
            name, version = self.login.database, self._tds_version
            if not name or name in state.rows:
                super()._finish_login(responses)
                return
            words = f'Cannot open database "{name}" requested by the login. The login failed.'
            tokens = error(4060, words, tds_version=version)
            again = f"Login failed for user '{self.login.user_name}'."
            tokens += error(18456, again, tds_version=version)
            tokens += done(status=DoneStatus.ERROR, tds_version=version)
            self._send(responses, tokens)
            self._state = connection.ConnectionState.FAILED

        def receive(self, data: bytes) -> Any:
            responses = super().receive(data)
            return self._half(responses) if self.cut else responses

        def _half(self, responses: list[bytes]) -> Iterator[bytes]:
            whole = b"".join(responses)
            yield whole[: len(whole) // 2]
            raise Cut

    return Connection


def answers(state: State, tables: Any) -> Any:
    """What a statement is answered with."""
    from pysqlbridge.tds.result import Column, NVarChar, QueryError, QueryResult

    def answer(query: Any) -> Any:
        if query.sql.startswith(MARK):
            told = state.told(json.loads(query.sql.removeprefix(MARK)))
            return QueryResult([Column("told", NVarChar(None))], [[each] for each in told])
        state.asked.append(query.sql)
        how = state.behaviour
        for old, new in how.instead.items():
            query = replace(query, sql=query.sql.replace(old, new))
        if how.where and how.where in query.sql and how.times > 0:
            how.times -= 1
            how.released.wait(how.wait)
            if how.number:
                raise QueryError(how.message, number=how.number)
            query.session["connection"].cut = how.cut
        return tables.answer(query)

    return answer


def main(folder: str, port: str) -> None:
    """Serve until the process is ended."""
    from pysqlbridge import server
    from pysqlbridge.logins import Login, LoginStore
    from pysqlbridge.procedures import CATALOG
    from pysqlbridge.source import from_csv

    given = json.loads(environ["BRIDGE"])
    accounts = Path(folder, "accounts")
    accounts.write_text(":".join(given[each] for each in ("domain", "user", "password")))
    environ["NTLM_USER_FILE"] = str(accounts)
    certificate = server.self_signed()
    state = State(CATALOG, certificate.cert_pem.decode())
    tables = completed(state)
    for name, text in given["tables"].items():
        path = Path(folder, f"{name}.csv")
        path.write_text(text)
        tables.add(from_csv(path, name=name))
    server.Connection = connections(state)
    logins = LoginStore([Login(given["user"], given["password"], hashed=False)])
    handler = answers(state, tables)
    server.serve(port=int(port), certificate=certificate, query_handler=handler, logins=logins)


if __name__ == "__main__":
    main(*sys.argv[1:])
