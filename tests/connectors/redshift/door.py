"""A relay that makes PostgreSQL's line look like Redshift's, and keeps what clients send.

What a client says of itself and PostgreSQL does not know is left out; what the server says of itself is
what Redshift says. https://docs.aws.amazon.com/redshift/latest/dg/c_redshift-and-postgres-sql.html
"""

import contextlib
import socket
import struct
import threading

KNOWN = {b"user", b"database", b"client_encoding", b"application_name", b"options"}
SAID = {b"server_version": b"8.0.2"}
SHARES = b"datashare_enabled\0on\0"  # which makes AWS's client look at more than one database


class Door:
    """A listening relay: `sent` are the kinds of a client's messages, `statements` the simple ones.

    `translate` takes the text of a prepared statement and gives what PostgreSQL understands.
    """

    def __init__(self, server, translate=None, *, shares=False):
        self._server = server
        self._translate = translate
        self._shares = shares
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.host_port = f"127.0.0.1:{self.port}"
        self.sent = []
        self.startup = {}
        self.statements = []
        self.cut_at = None  # a word: whoever sends a statement with it loses the line
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()
        for each in self._open:
            hang_up(each)
            each.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((self._server.host, self._server.port))
                self._open += [client, server]
                for work, *ends in ((self._up, client, server), (self._down, server, client)):
                    threading.Thread(target=self._relay, args=(work, *ends), daemon=True).start()

    def _relay(self, work, source, target):
        with contextlib.suppress(OSError, EOFError):
            work(source, target)
        hang_up(source)
        hang_up(target)

    def _up(self, client, server):
        body = read(client, struct.unpack("!i", read(client, 4))[0] - 4)
        if body[:4] != struct.pack("!i", 196608):  # a request to cancel
            server.sendall(struct.pack("!i", len(body) + 4) + body)
            return
        words = body[4:].split(b"\0")
        given = dict(zip(words[::2], words[1::2], strict=False))
        self.startup = {name.decode(): value.decode() for name, value in given.items() if name}
        kept = b"".join(name + b"\0" + given[name] + b"\0" for name in given if name in KNOWN)
        body = body[:4] + kept + b"\0"
        server.sendall(struct.pack("!i", len(body) + 4) + body)
        while True:
            kind, body = message(client)
            self.sent.append(kind)
            if kind == b"Q":
                self.statements.append(body[:-1].decode())
                if self.cut_at and self.cut_at in self.statements[-1]:
                    return
            if kind == b"P" and self._translate:  # name of the statement, its text, its parameters
                name, text, rest = body.split(b"\0", 2)
                body = b"\0".join([name, self._translate(text.decode()).encode(), rest])
            server.sendall(packed(kind, body))

    def _down(self, server, client):
        while True:
            kind, body = message(server)
            if kind == b"S":
                name, value, _ = body.split(b"\0")
                body = name + b"\0" + SAID.get(name, value) + b"\0"
                if self._shares and name in SAID:
                    client.sendall(packed(kind, SHARES))
            client.sendall(packed(kind, body))


def message(source):
    kind = read(source, 1)
    return kind, read(source, struct.unpack("!i", read(source, 4))[0] - 4)


def packed(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def read(source, size):
    found = b""
    while len(found) < size:
        piece = source.recv(size - len(found))
        if not piece:
            raise EOFError
        found += piece
    return found


def hang_up(line):
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
