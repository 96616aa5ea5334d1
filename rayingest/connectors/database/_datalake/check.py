"""`rayingest check` for files: the buckets, and the first table that is found in them."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rayingest.connectors.database._datalake.listing import Found, Tables
from rayingest.connectors.database._datalake.tables import stored, table
from rayingest.core.source import Capability, CheckResult, EntityDescriptor, Settings
from rayingest.errors import RayingestError, SourceError
from rayingest.kit.sql.trial import refusal
from rayingest.model import EntityType

LOOKED_AT = 2000  # files of a bucket; where none of these is of a table, that is told
NOTHING = f"none of its first {LOOKED_AT} files is Parquet, ORC, Avro, Arrow, JSON or CSV"
PREFIX = "Check bucketName and prefix."


def check(session: Any, settings: Settings) -> Iterator[CheckResult]:
    """Name the buckets, list the beginning of each, and read a table."""
    try:
        buckets = session.files.buckets()
    except RayingestError as error:
        yield refusal("connect", error)
        return
    yield CheckResult(
        "connect", "ok", f"{len(buckets)} buckets" if len(buckets) > 1 else buckets[0]
    )
    for bucket in buckets[:10]:
        yield from _bucket(session, bucket)


def _bucket(session: Any, bucket: str) -> Iterator[CheckResult]:
    tables = Tables()
    try:
        files = islice(session.files.files(bucket, session.prefix, tables.known), LOOKED_AT)
        found = [each for file in files for each in tables.add(file)] + [*tables.end()]
    except RayingestError as error:
        yield refusal(Capability.TABLES, error, f"bucket {bucket!r}: ")
        return
    if tables.foreign:
        yield CheckResult(Capability.TABLES, "warning", tables.left_out(bucket))
    if session.files.refused:
        why = f"bucket {bucket!r}: {session.files.refused[0]} may not be read"
        yield CheckResult(Capability.TABLES, "denied", why)
    if found:
        yield CheckResult(
            Capability.TABLES, "ok", f"bucket {bucket!r}: {found[0].name!r} and others"
        )
        yield _columns(session, bucket, found[0])
    elif not session.files.refused:
        yield CheckResult(Capability.TABLES, "warning", f"bucket {bucket!r}: {NOTHING}", PREFIX)


def _columns(session: Any, bucket: str, found: Found) -> CheckResult:
    metadata = {"schema": bucket, "name": found.name, "key": stored(found.sample)}
    try:
        told = table(
            session.files, EntityDescriptor(EntityType.TABLE, found.name, metadata=metadata)
        )
    except SourceError as error:
        return refusal(Capability.COLUMNS, error)
    return CheckResult(Capability.COLUMNS, "ok", f"{found.name!r} has {len(told.columns)}")
