"""What Athena adds to Glue: which catalogue is meant, and catalogues that Glue does not hold."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rayingest.connectors.database._glue.check import check as check_glue
from rayingest.connectors.database._glue.facts import GLUE, Session, connect
from rayingest.core.source import Capability, CheckResult, Settings
from rayingest.errors import RayingestError, SourceError
from rayingest.kit.aws.client import Client
from rayingest.kit.sql.trial import refusal

OWN = "AwsDataCatalog"
OTHERS = "these data catalogs of Athena are not read: {}"
ELSEWHERE = (
    "One that is another account's Glue is read with catalogId, that account's id; what Lambda, Hive "
    "and federated ones hold is read by the connectors of those systems."
)


def catalog(settings: Settings) -> Mapping[str, str]:
    """How Glue names the catalogue of `catalogId`.

    Athena leaves out the account before a bucket of S3 tables, Glue does not:
    https://docs.aws.amazon.com/glue/latest/dg/create-databases-tables-s3-catalog.html
    """
    given = settings.connection.catalogId
    if not given or given == OWN:
        return {}
    if "/" in given and ":" not in given:
        client = Client(settings, "sts")
        try:
            given = f"{client.ask('GetCallerIdentity')['Account']}:{given}"
        finally:
            client.close()
    return {"CatalogId": given}


def open_session(settings: Settings, database: str | None) -> Session:
    """A session with Glue about that catalogue."""
    return connect(settings, database, catalog)


def check(session: Session, settings: Settings) -> Iterator[CheckResult]:
    """What Glue tells, and the names of what is not in it."""
    yield from check_glue(session, settings)
    try:
        client = Client(settings, "athena")
    except RayingestError:
        return  # told already
    try:
        yield _others(client, settings.connection.catalogId or OWN)
    except SourceError as error:
        yield refusal(Capability.DATABASES, error, "which other data catalogs there are: ")
    finally:
        client.close()


def _others(client: Client, ours: str) -> CheckResult:
    pages = client.pages("ListDataCatalogs")
    found = [each for page in pages for each in page["DataCatalogsSummary"]]
    others = [
        f"{each['CatalogName']} ({each['Type']})"
        for each in found
        if each["CatalogName"] not in (OWN, ours)
    ]
    if not others:
        return CheckResult(Capability.DATABASES, "ok")
    why = OTHERS.format(", ".join(others[:20]))
    return CheckResult(Capability.DATABASES, "warning", why, ELSEWHERE)


ATHENA = replace(GLUE, connect=open_session, check=check)
