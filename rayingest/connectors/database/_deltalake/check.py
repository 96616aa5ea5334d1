"""`rayingest check` for Delta: whether the buckets can be listed, and the log of the first table be read."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from rayingest.connectors.database._deltalake.log import newest
from rayingest.connectors.database._deltalake.places import Log, tables
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import RayingestError
from rayingest.kit.sql.trial import refusal
from rayingest.kit.storage import errors as storage

NONE = "There is no table of Delta below {}."
WHERE = "Check bucketName and prefix: a table is a folder that has _delta_log in it."
FIRST = 10  # buckets that are looked at


def check(session: Any, settings: Settings) -> Iterator[CheckResult]:
    """Each bucket until one has a table; then its log."""
    try:
        buckets = [session.bucket] if session.bucket else session.place.buckets()
    except RayingestError as error:
        yield refusal("connect", error)
        return
    yield CheckResult("connect", "ok", f"buckets: {len(buckets)}")
    for bucket in buckets[:FIRST]:
        place = session.place.location(bucket, session.prefix)
        try:
            with closing(tables(session.place, bucket, session.prefix)) as found:
                path = next(found, None)
            yield CheckResult(Capability.SCHEMAS, "ok", f"{place} can be listed")
            if path is None:
                yield CheckResult(Capability.TABLES, "warning", NONE.format(place), WHERE)
                continue
            where = session.place.location(bucket, path)
            newest(Log(session.place, bucket, path), where)
        except (RayingestError, OSError) as error:
            known = storage.classify(error)
            if known is None:
                raise
            yield refusal(Capability.TABLES, known, f"{place}: ")
        else:
            yield CheckResult(Capability.TABLES, "ok", f"{where} can be read")
            return
