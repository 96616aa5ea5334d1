"""As much of Exasol's WebSocket protocol as its client needs for a sign-in and a query; DuckDB answers.

https://github.com/exasol/websocket-api/blob/master/docs/WebsocketAPIV3.md
It shows what the driver does with values, errors and a cut; how Exasol answers, it cannot show.
"""

import base64
import contextlib
import hashlib
import json
import socketserver
import struct
import threading
from contextlib import contextmanager

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
TEXT, CLOSE = 1, 8
LONGEST = {"type": "VARCHAR", "size": 2_000_000, "characterSet": "UTF8"}
SESSION = {
    "sessionId": 1,
    "protocolVersion": 3,
    "releaseVersion": "8.29.0",
    "databaseName": "story",
    "productName": "EXASolution",
    "maxDataMessageSize": 4_194_304,
    "maxIdentifierLength": 128,
    "maxVarcharLength": 2_000_000,
    "identifierQuoteString": '"',
    "timeZone": "UTC",
    "timeZoneBehavior": "INVALID SHIFT AMBIGUOUS ST",
}


class Server(socketserver.ThreadingTCPServer):
    """One DuckDB file; `cuts` is a word in a statement at which it hangs up."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, path, password, cuts):
        from cryptography.hazmat.primitives.asymmetric import rsa

        super().__init__(("127.0.0.1", 0), Conversation)
        self.path, self.password, self.cuts = path, password, cuts
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - quick


class Conversation(socketserver.StreamRequestHandler):
    """One client."""

    def handle(self):
        import duckdb

        self._greet()
        self.prepared = {}
        with (
            contextlib.suppress(OSError, EOFError),
            duckdb.connect(str(self.server.path)) as self.database,
        ):
            while (asked := self._read()) is not None:
                self._send(self.answer(json.loads(asked)))

    def answer(self, asked):
        match asked.get("command"):
            case "login":
                return ok(publicKeyPem=self._public())
            case None:
                known = self._decrypted(asked["password"]) == self.server.password
                return ok(**SESSION) if known else refused("authentication failed.", "08004")
            case "createPreparedStatement":
                text = asked["sqlText"]
                handle = len(self.prepared) + 1
                self.prepared[handle] = text
                count = text.count("?")
                columns = [{"name": "", "dataType": LONGEST}] * count
                told = {"numColumns": count, "columns": columns}
                return done(statementHandle=handle, parameterData=told)
            case "executePreparedStatement":
                values = [column[0] for column in asked.get("data") or []]
                return self._rows(self.prepared[asked["statementHandle"]], values)
            case "execute" if asked["sqlText"].lower().startswith(("select", "/*")):
                return self._rows(asked["sqlText"], [])
            case _:
                return {**done(), "attributes": {"autocommit": True}}

    def _rows(self, text, values):
        if self.server.cuts and self.server.cuts in text:
            raise EOFError
        try:
            found = self.database.execute(text, values)
        except Exception as error:  # noqa: BLE001 - told to the client
            return refused(str(error), "42000")
        names = [each[0] for each in found.description]
        rows = [
            [each if each is None or isinstance(each, bool) else str(each) for each in row]
            for row in found.fetchall()
        ]
        told = {
            "numColumns": len(names),
            "numRows": len(rows),
            "numRowsInMessage": len(rows),
            "columns": [{"name": name, "dataType": LONGEST} for name in names],
            "data": [list(column) for column in zip(*rows, strict=True)],
        }
        return ok(numResults=1, results=[{"resultType": "resultSet", "resultSet": told}])

    def _public(self):
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self.server.key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()

    def _decrypted(self, secret):
        from cryptography.hazmat.primitives.asymmetric import padding

        return self.server.key.decrypt(base64.b64decode(secret), padding.PKCS1v15()).decode()

    def _greet(self):
        headers = {}
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        key = hashlib.sha1(headers[b"sec-websocket-key"] + MAGIC).digest()  # noqa: S324 - RFC 6455
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(key) + b"\r\n\r\n"
        )

    def _read(self):
        head = self.rfile.read(2)
        if len(head) < 2 or head[0] & 15 == CLOSE:
            return None
        size = head[1] & 127
        if size > 125:
            form = ">H" if size == 126 else ">Q"
            (size,) = struct.unpack(form, self.rfile.read(struct.calcsize(form)))
        mask = self.rfile.read(4)
        return bytes(each ^ mask[n % 4] for n, each in enumerate(self.rfile.read(size)))

    def _send(self, told):
        data = json.dumps(told).encode()
        self.wfile.write(struct.pack(">BBQ", 128 | TEXT, 127, len(data)) + data)


def ok(**told):
    return {"status": "ok", "responseData": told}


def done(**told):
    return ok(numResults=1, results=[{"resultType": "rowCount", "rowCount": 0}], **told)


def refused(text, code):
    return {"status": "error", "exception": {"text": text, "sqlCode": code}}


@contextmanager
def serving(path, password, cuts=""):
    with Server(path, password, cuts) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)
