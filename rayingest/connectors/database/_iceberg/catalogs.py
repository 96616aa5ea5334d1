"""A catalogue of pyiceberg for each kind of connection; none is ever written to, nor made."""

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from rayingest.config.connection import AwsCredentials
from rayingest.connectors.database._iceberg import properties
from rayingest.connectors.database._iceberg.connection import (
    Catalog,
    DynamoCatalog,
    GlueCatalog,
    SqlCatalog,
    UriCatalog,
)
from rayingest.errors import ConfigError, Gone, MissingDriver, Unreachable
from rayingest.kit.aws.errors import classify
from rayingest.kit.aws.session import CONNECT_SECONDS, client

Properties = dict[str, Any]
REST = "REST"


class Opened(NamedTuple):
    """A catalogue, and what kind it is."""

    kind: str
    catalogue: Any


def opened(
    catalog: Catalog, given: Properties, session: Any, aws: AwsCredentials | None, timeout: float
) -> Opened:
    """Open it; `session` is botocore's, where there is one. Raises what the packages raise."""
    name = catalog.name
    match catalog.connection:
        case UriCatalog(uri=uri) as connection if uri.startswith(("http://", "https://")):
            asked = {**properties.rest(connection), **given}
            return Opened(REST, _rest(name, asked, timeout))
        case UriCatalog(uri=uri) if uri.startswith("thrift://"):
            return Opened("Hive", _kind("hive", "HiveCatalog")(name, uri=uri, **given))
        case GlueCatalog() if aws:
            glue = client(session, "glue", aws, timeout)
            return Opened("Glue", _kind("glue", "GlueCatalog")(name, client=glue, **given))
        case DynamoCatalog(tableName=table) if aws:
            dynamo = client(session, "dynamodb", aws, timeout)
            _there(dynamo, table)
            made = _kind("dynamodb", "DynamoDbCatalog")
            return Opened("DynamoDB", made(name, client=dynamo, **given, **{"table-name": table}))
        case SqlCatalog(sqlUri=uri):
            return Opened("SQL", _sql(name, uri.get_secret_value(), given))
        case _:
            raise ConfigError(
                "catalog.connection.uri begins neither with https:// nor with thrift://.",
                hint="A REST catalogue has the first, Hive's metastore the second; the URL of a "
                "database is sqlUri.",
            )


def _rest(name: str, given: Properties, timeout: float) -> Any:
    """pyiceberg waits for ever; each request of this one has a time-out."""
    kind: Any = _kind("rest", "RestCatalog")

    class Timed(kind):  # type: ignore[misc]  # it is imported when it is needed
        def _create_session(self) -> Any:
            session = super()._create_session()
            waits = (min(timeout, CONNECT_SECONDS), timeout)
            session.request = partial(session.request, timeout=waits)
            return session

    return Timed(name, **given)


def _there(dynamo: Any, table: str) -> None:
    """pyiceberg makes a table that is missing; who reads metadata must not."""
    try:
        dynamo.describe_table(TableName=table)
    except Exception as error:
        known = classify(error, "dynamodb:DescribeTable")
        if isinstance(known, Gone):
            said = f"tableName: there is no table {table!r} of DynamoDB in this region."
            raise ConfigError(said, hint="Check tableName and awsRegion.") from None
        raise known or error from error


def _sql(name: str, uri: str, given: Properties) -> Any:
    try:
        sqlalchemy: Any = import_module("sqlalchemy")
    except ImportError as error:
        raise MissingDriver("iceberg", "sqlalchemy") from error
    try:
        url = sqlalchemy.make_url(uri)
    except sqlalchemy.exc.ArgumentError:
        raise ConfigError("sqlUri is no URL of SQLAlchemy.") from None
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise Unreachable(
            f"sqlUri: the SQLite file {url.database} does not exist.",
            hint="Four slashes begin an absolute path: sqlite:////folder/catalog.db",
        )
    return _kind("sql", "SqlCatalog")(name, uri=uri, **given, init_catalog_tables="false")


def _kind(module: str, name: str) -> Any:
    try:
        return getattr(import_module(f"pyiceberg.catalog.{module}"), name)
    except ImportError as error:
        raise MissingDriver("iceberg", error.name or "pyiceberg") from error
