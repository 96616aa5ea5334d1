"""Delta Lake as a `Facts` value: buckets are schemas, their tables are found by folders, described by logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rayingest.connectors.database._deltalake.bucket import Buckets
from rayingest.connectors.database._deltalake.check import check
from rayingest.connectors.database._deltalake.folder import Folder
from rayingest.connectors.database._deltalake.log import newest
from rayingest.connectors.database._deltalake.places import Log, Place, named, tables
from rayingest.connectors.database._deltalake.tables import table
from rayingest.core.source import (
    Described,
    EntityDescriptor,
    Failed,
    Processed,
    Settings,
)
from rayingest.errors import ConfigError, Denied, Gone, Permanent
from rayingest.kit.sql import containers
from rayingest.kit.sql.facts import Facts, Found, Wants
from rayingest.kit.storage.connection import S3Storage
from rayingest.kit.storage.errors import classify
from rayingest.model import EntityType

DEFAULT = "default"


@dataclass
class Session:
    """A place, and the part of it that the config names; no `bucket` is all there are."""

    place: Place
    database: str
    bucket: str
    prefix: str

    @property
    def calls(self) -> int:
        """Calls so far."""
        return self.place.calls

    def cancel(self) -> None:
        """See Place."""
        self.place.cancel()

    def close(self) -> None:
        """See Place."""
        self.place.close()


def connect(settings: Settings, database: str | None) -> Session:
    """A session. Raises ConfigError for a metastore, which takes Spark."""
    source = settings.connection.configSource
    if not hasattr(source, "bucketName"):
        raise ConfigError(
            "configSource is a metastore, which only Spark, a program of Java, can read as Delta.",
            hint="Name the storage instead: configSource: {connection: {securityConfig: …}, bucketName: …}. "
            "Tables of AWS Glue are read by `source.type: glue`, those of Databricks by `unitycatalog`.",
        )
    name = settings.connection.databaseName or DEFAULT
    bucket, prefix = source.bucketName.strip(), source.prefix.strip("/ ")
    if isinstance(source.connection, S3Storage) and source.connection.securityConfig:
        buckets = Buckets(settings, source.connection.securityConfig)
        return Session(buckets, name, bucket.strip("/"), prefix)
    if not bucket:
        raise ConfigError(
            "configSource has neither a securityConfig nor a bucketName.",
            hint="Give securityConfig for S3; for a folder of this machine, its path as bucketName.",
        )
    return Session(Folder(bucket, prefix), name, bucket.rstrip("/") or bucket, prefix)


def databases(session: Session, settings: Settings) -> Iterator[Found]:
    """Name the only database; whether the place answers shows when its buckets are listed."""
    yield containers.database(session.database)


def listing(session: Session, wants: Wants) -> Iterator[Found]:
    """Buckets are schemas, as in OpenMetadata."""
    for name in [session.bucket] if session.bucket else session.place.buckets():
        yield Found(EntityType.DATABASE_SCHEMA, name, name)


def members(session: Session, wants: Wants, schema: str) -> Iterator[Found]:
    """All tables of a bucket; their names are known when all are found."""
    if not wants.tables:
        return
    found = list(tables(session.place, schema, session.prefix))
    for name, path in named(found, schema).items():
        yield Found(EntityType.TABLE, schema, name, key=path)


def described(
    session: Session, descriptors: Sequence[EntityDescriptor], wants: Wants
) -> Iterator[Processed]:
    """One log after the other; what is wrong with one costs only itself."""
    for each in descriptors:
        bucket, path = each.metadata["schema"], each.metadata.get("key", "")
        where = session.place.location(bucket, path)
        try:
            told = newest(Log(session.place, bucket, path), where)
            name = each.metadata["name"]
            entity = table(told, where, name=name, identity=each.id, scope=each.scope)
        except (Gone, Denied, Permanent) as error:
            yield Failed(each, error)
        except OSError as error:
            if (known := classify(error)) is None:
                raise
            yield Failed(each, known)
        except (ValueError, KeyError, TypeError) as error:
            said = f"The log of {where} cannot be read: {type(error).__name__}: {error}"
            yield Failed(each, Permanent(said[:300]))
        else:
            yield Described(each, (entity,))


DELTALAKE = Facts(
    connect=connect,
    databases=databases,
    listing=listing,
    members=members,
    describe={
        EntityType.DATABASE: containers.named,
        EntityType.DATABASE_SCHEMA: containers.named,
        EntityType.TABLE: described,
    },
    classify=classify,
    check=check,
)
