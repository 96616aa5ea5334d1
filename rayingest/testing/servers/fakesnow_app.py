"""fakesnow as a server, run by the Python of an environment that has it: see fakesnow.py.

What it lacks and a client or our statements need is put before it or into it, and proves nothing:
the master token that clients of version 5 want, passwords, SHOW … KEYS of a whole database, and the
views STAGES, PROCEDURES and FUNCTIONS of information_schema: the last two are empty until a test writes
rows into them.
"""

import asyncio
import gzip
import json
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

Json = dict[str, Any]
Send = Callable[[Json], Awaitable[None]]
LOGIN, QUERY = "/session/v1/login-request", "/queries/v1/query-request"
VALID = 3600
# https://docs.snowflake.com/en/sql-reference/info-schema/procedures and …/functions
ROUTINES = {
    "PROCEDURES": (
        "PROCEDURE_CATALOG PROCEDURE_SCHEMA PROCEDURE_NAME PROCEDURE_OWNER ARGUMENT_SIGNATURE "
        "DATA_TYPE PROCEDURE_LANGUAGE PROCEDURE_DEFINITION COMMENT"
    ),
    "FUNCTIONS": (
        "FUNCTION_CATALOG FUNCTION_SCHEMA FUNCTION_NAME FUNCTION_OWNER ARGUMENT_SIGNATURE "
        "DATA_TYPE FUNCTION_LANGUAGE FUNCTION_DEFINITION COMMENT IS_EXTERNAL"
    ),
}


def completed() -> None:
    """Every database gets the views of routines, where fakesnow keeps its own."""
    from fakesnow import info_schema, transforms
    from sqlglot import exp

    made, redirect = info_schema.per_db_creation_sql, transforms.information_schema_fs
    keys = transforms.show_keys

    def per_database(catalog: str) -> str:
        views = [
            f"create table if not exists {catalog}._fs_information_schema._fs_{name}"
            f" ({', '.join(f'{each} varchar' for each in columns.split())})"
            for name, columns in ROUTINES.items()
        ]
        stages = f"""create view if not exists {catalog}._fs_information_schema._fs_stages as
            select schema_name as stage_schema, name as stage_name, owner as stage_owner, comment,
                   url as stage_url
              from _fs_global._fs_information_schema._fs_stages
             where database_name = '{catalog}'"""  # noqa: S608 - a name out of a test
        return f"{made(catalog)};{';'.join(views)};{stages};"

    def redirected(expression: Any) -> Any:
        if isinstance(expression, exp.Table) and expression.db == "INFORMATION_SCHEMA":
            if expression.name in {*ROUTINES, "STAGES"}:
                expression.set("this", exp.to_identifier(f"_FS_{expression.name}"))
                expression.set("db", exp.to_identifier("_FS_INFORMATION_SCHEMA"))
            return expression if expression.name.startswith("_FS_") else redirect(expression)
        return redirect(expression)

    def keys_shown(expression: Any, database: str | None, **kind: Any) -> Any:
        if isinstance(expression, exp.Show) and expression.args.get("scope_kind") == "DATABASE":
            expression.set("scope_kind", "ACCOUNT")
        return keys(expression, database, **kind)

    transforms.show_keys = keys_shown
    info_schema.per_db_creation_sql = per_database
    transforms.information_schema_fs = redirected


class Gate:
    """Stands before the server: logs in, remembers how, and keeps queries waiting when it is told to."""

    def __init__(self, app: Any, password: str) -> None:
        self.app = app
        self.password = password
        self.logins: list[Json] = []
        self.paths: set[str] = set()
        self.wait = 0.0
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, scope: Json, receive: Any, send: Send) -> None:
        """One request."""
        path = str(scope.get("path"))
        self.paths.add(path)
        if path == "/ours/logins":
            await _answer(send, {"logins": self.logins, "paths": sorted(self.paths)})
        elif path == "/ours/wait":
            self.wait = float(scope["query_string"])
            (self.free.clear if self.wait else self.free.set)()
            await _answer(send, {"wait": self.wait})
        elif path == LOGIN:
            await self._login(scope, receive, send)
        else:
            if path == QUERY:
                await self._held()
            await self.app(scope, receive, send)

    async def _held(self) -> None:
        """Until the time is over, or nothing is to wait any more."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.free.wait(), self.wait)

    async def _login(self, scope: Json, receive: Any, send: Send) -> None:
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        headers = dict(scope["headers"])
        zipped = headers.get(b"content-encoding") == b"gzip"
        told = json.loads(gzip.decompress(body) if zipped else body)["data"]
        keyed = told.get("AUTHENTICATOR") == "SNOWFLAKE_JWT" and told.get("TOKEN")
        if not keyed and self.password not in (told.get("PASSWORD"), told.get("TOKEN")):
            await _answer(
                send,
                {
                    "data": {"nextAction": "RETRY_LOGIN"},
                    "code": "390100",
                    "message": "Incorrect username or password was specified.",
                    "success": False,
                },
            )
            return
        hidden = {"PASSWORD", "TOKEN", "CLIENT_ENVIRONMENT"}
        query = scope["query_string"].decode()
        known = {key: value for key, value in told.items() if key not in hidden}
        self.logins.append({**known, "query": query})
        await self.app(scope, _once(body), _with_master_token(send))


def _once(body: bytes) -> Any:
    async def receive() -> Json:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _with_master_token(send: Send) -> Send:
    held: list[Json] = []

    async def answer(message: Json) -> None:
        if message["type"] == "http.response.start":
            held.append(message)
            return
        told = json.loads(message["body"])
        told["data"] |= {
            "masterToken": told["data"]["token"],
            "validityInSeconds": VALID,
            "masterValidityInSeconds": VALID,
            "sessionId": len(told["data"]["token"]),
        }
        await _answer(send, told, held[0]["status"])

    return answer


async def _answer(send: Send, told: Json, status: int = 200) -> None:
    body = json.dumps(told).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main(port: int, password: str) -> None:
    """Serve until the process is ended."""
    completed()
    import uvicorn
    from fakesnow.server import app

    told = {"host": "127.0.0.1", "port": port, "log_level": "warning"}
    uvicorn.run(Gate(app, password), timeout_graceful_shutdown=1, **told)


if __name__ == "__main__":
    main(int(sys.argv[1]), os.environ["FAKESNOW_PASSWORD"])
