"""Send rows: in bulk where the server can, halving what it refuses until the bad row is alone.

What a refusal means:
* 401 (after one renewal), and 403 for the service itself, or for the first and the last row of a
  batch of a type that nothing was accepted of: nobody may write here, SinkUnauthorised.
* any other 403, 400, 404, 413, 500: about this batch; halved, and the single row is Refused.
* single rows that answer 5xx twice, eight of them in a row with nothing accepted between: SinkDown.
* a collection that does not exist: ConfigError for services, else the rows are Refused.
"""

from collections.abc import Sequence

import msgspec

from rayingest.core.sink import ACKNOWLEDGED, Answer, Row
from rayingest.errors import ConfigError, SinkUnauthorised
from rayingest.model import USAGE
from rayingest.sinks import wire
from rayingest.sinks.openmetadata import bulk, places
from rayingest.sinks.openmetadata.client import Client, Reply
from rayingest.sinks.openmetadata.patience import Patience
from rayingest.sinks.openmetadata.references import Tags
from rayingest.sinks.openmetadata.rows import LINEAGE, Edge, SecretRow, Uses

_SERVICES = frozenset(name for name in places.COLLECTIONS if name.endswith("Service"))
_SINGLE_ONLY = _SERVICES | {LINEAGE, USAGE}
_HINTS = {
    403: "Give the bot a role that may create and edit this type (policy: Ingestion bot).",
    404: "Its parent, or something it refers to, is not in the catalogue: was it refused, too?",
    413: "Raise the server's (or the proxy's) limit on the size of a request body.",
}
_UNCOUNTED = "Is its dashboard in the catalogue, and may the bot report usage? Without counts: includeUsage: false."
_details = msgspec.json.Encoder()


class Writer:
    """Writes batches of one type; used by several threads at once."""

    def __init__(self, client: Client, tags: Tags, *, override: bool = False) -> None:
        self._client, self._tags = client, tags
        self._params = {"async": "false", "overrideMetadata": str(override).lower()}
        self._no_bulk: set[str] = set()
        self._accepted: set[str] = set()
        self._gone: dict[str, Reply] = {}

    def patience(self) -> Patience:
        """What a batch has with the server."""
        return Patience(self._client)

    def write(self, entity_type: str, rows: Sequence[Row]) -> list[Answer]:
        """One answer per row. Raises SinkDown, SinkUnauthorised or ConfigError for all of them."""
        self._tags.make()
        return _Batch(self, entity_type).send(list(rows))

    def bulk(self, entity_type: str, rows: Sequence[Row]) -> Reply | None:
        """Send a batch; None where the server has no bulk request for the type."""
        if len(rows) == 1 or entity_type in _SINGLE_ONLY or entity_type in self._no_bulk:
            return None
        body = b"[%b]" % b",".join([row.body for row in rows])
        path = f"/{places.COLLECTIONS[entity_type]}/bulk"
        reply = self._client.call("PUT", path, body, self._params)
        if reply.status == 405 or (reply.status == 404 and not reply.is_about_entity):
            self._no_bulk.add(entity_type)
        return None if reply.status in (404, 405) else reply

    def single(self, entity_type: str, row: Row) -> Reply:
        """Send one row."""
        if entity_type == LINEAGE:
            return self._edge(row)
        if entity_type == USAGE:
            return self._uses(row)
        if entity_type in _SERVICES and self._is_there(entity_type, row):
            return Reply(200, None)
        if entity_type in self._gone:
            return self._gone[entity_type]
        path = f"/{places.COLLECTIONS[entity_type]}"
        reply = self._client.call("PUT", path, row.body)
        if reply.status == 403 and entity_type in _SERVICES:
            raise self.unauthorised(entity_type, reply)
        if reply.status in (404, 405) and not reply.is_about_entity and self._lacks(path):
            return self._absent(entity_type, path)
        return reply

    def accepted(self, entity_type: str) -> None:
        """Remember that rows of this type may be written."""
        self._accepted.add(entity_type)

    def may_be_forbidden(self, entity_type: str) -> bool:
        """Whether no row of this type was ever accepted."""
        return entity_type not in self._accepted

    def unauthorised(self, entity_type: str, reply: Reply) -> SinkUnauthorised:
        """The credentials are known, and may not write."""
        return SinkUnauthorised(
            f"{self._client.server.host_port}: we may not write {entity_type}: {reply.message}",
            hint=_HINTS[403],
        )

    def refusal(self, reply: Reply, row: Row) -> Answer:
        """Why the server refused one row."""
        hint = _UNCOUNTED if row.type == USAGE else _HINTS.get(reply.status)
        for tag, problem in self._tags.problems.items():
            if tag in reply.message:
                hint = problem
        message = reply.message
        if isinstance(row, SecretRow):  # it may quote the row, and cut a secret in two
            message = message.partition("{")[0]
        why = self._client.scrub(message)
        return Answer("refused", f"{reply.status}: {why}", hint)

    def _edge(self, row: Row) -> Reply:
        edge = msgspec.json.decode(row.body, type=Edge)
        ends = (edge.from_type, "name", edge.from_fqn, edge.to_type, "name", edge.to_fqn)
        path = "/lineage/" + "/".join(places.escape(part) for part in ends)
        return self._client.call("PUT", path, _details.encode(edge.details))

    def _uses(self, row: Row) -> Reply:
        """A POST: it sets the count of a day. A PUT would add to it, and once more if it is repeated."""
        uses = msgspec.json.decode(row.body, type=Uses)
        path = f"/usage/{uses.type}/name/{places.escape(uses.fqn)}"
        body = _details.encode({"date": uses.date, "count": uses.count})
        return self._client.call("POST", path, body)

    def _is_there(self, entity_type: str, row: Row) -> bool:
        """A service without a connection to send must not replace one that has a connection."""
        if msgspec.json.decode(row.body, type=wire.CreateService).connection is not None:
            return False
        return self._client.call("GET", places.by_name(entity_type, row.fqn)).ok

    def _lacks(self, path: str) -> bool:
        return self._client.call("GET", path, params={"limit": "1"}).status in (404, 405)

    def _absent(self, entity_type: str, path: str) -> Reply:
        """The server has no such collection: no API at all without services, else an older one."""
        server = self._client.server
        if entity_type in _SERVICES:
            raise ConfigError(
                f"{server.base}{path} does not exist: this is no OpenMetadata API"
                f" {server.api_version}, or one that does not know this type.",
                hint="Check hostPort and apiVersion; `rayingest check` tells the server's version.",
            )
        said = f"{server.base}{path} does not exist: the server does not know this type"
        return self._gone.setdefault(entity_type, Reply(405, None, said))


class _Batch:
    """One call of `write`: its rows, halved as often as needed."""

    def __init__(self, writer: Writer, entity_type: str) -> None:
        self._writer, self._type = writer, entity_type
        self._patience = writer.patience()

    def send(self, rows: list[Row]) -> list[Answer]:
        if not rows:
            return []
        reply = self._writer.bulk(self._type, rows)
        if reply is None:
            return [self._answer(self._put(row), row) for row in rows]
        if reply.status == 403 and self._writer.may_be_forbidden(self._type):
            return self._probe(rows)
        outcome = bulk.read(reply.data, rows) if reply.ok else None
        if outcome is None:
            middle = len(rows) // 2
            return self.send(rows[:middle]) + self.send(rows[middle:])
        return [self._judged(row, at, outcome) for at, row in enumerate(rows)]

    def _judged(self, row: Row, at: int, outcome: bulk.Outcome) -> Answer:
        if at in outcome.refused:
            status, message = outcome.refused[at]
            if status < 500 and status != 429:
                return self._writer.refusal(Reply(status, None, message), row)
        elif at not in outcome.unsure:
            self._writer.accepted(self._type)
            return ACKNOWLEDGED
        return self._answer(self._put(row), row)

    def _probe(self, rows: list[Row]) -> list[Answer]:
        first, last = self._put(rows[0]), self._put(rows[-1])
        if first.status == last.status == 403:
            raise self._writer.unauthorised(self._type, first)
        middle = self.send(rows[1:-1])
        return [self._answer(first, rows[0]), *middle, self._answer(last, rows[-1])]

    def _put(self, row: Row) -> Reply:
        return self._patience.ask(lambda: self._writer.single(self._type, row))

    def _answer(self, reply: Reply, row: Row) -> Answer:
        if not reply.ok:
            return self._writer.refusal(reply, row)
        self._writer.accepted(self._type)
        return ACKNOWLEDGED
