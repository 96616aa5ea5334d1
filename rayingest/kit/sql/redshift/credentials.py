"""Who signs in: the user with a password, or with one that IAM lends for a quarter of an hour or more.

* provisioned: https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
* serverless: https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html

Every new session asks for its own, so a run may last as long as it likes; open sessions outlive them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rayingest.config.connection import AwsCredentials, IamAuth, host_port
from rayingest.core.source import Settings
from rayingest.errors import ConfigError
from rayingest.kit.aws.errors import classify
from rayingest.kit.aws.session import client, session

SECONDS = 900  # the least that AWS lends for
CLUSTERS, SERVERLESS = "redshift", "redshift-serverless"
ADDRESSES = (
    "https://docs.aws.amazon.com/redshift/latest/mgmt/configuring-connections.html has the forms: "
    "<cluster>.<id>.<region>.redshift.amazonaws.com, "
    "<workgroup>.<account>.<region>.redshift-serverless.amazonaws.com."
)


class Place(NamedTuple):
    """What an address of AWS's says: the service, and its name of the cluster or the workgroup."""

    service: str
    name: str


def credentials(settings: Settings, database: str) -> tuple[str, str | None]:
    """User and password for one session."""
    config = settings.connection
    auth = config.authType
    if isinstance(auth, IamAuth):
        host, _ = host_port(config.hostPort, 0)
        return _lent(auth.awsConfig, place(host), config.username, database, settings.call_timeout)
    secret = (auth.password if auth else None) or config.password
    return config.username, secret.get_secret_value() if secret else None


def place(host: str) -> Place:
    """Which cluster or workgroup answers at a host. Raises ConfigError."""
    name, _, rest = host.partition(".")
    parts = rest.split(".")
    for service in (SERVERLESS, CLUSTERS):
        if service in parts[2:3]:
            return Place(service, name)
    raise ConfigError(
        f"authType.awsConfig needs the name of the cluster or workgroup; {host!r} does not tell it.",
        hint=f"Give hostPort as AWS shows it. {ADDRESSES}",
    )


def _lent(
    aws: AwsCredentials, where: Place, user: str, database: str, timeout: float
) -> tuple[str, str]:
    asked = client(session(aws), where.service, aws, timeout)
    try:
        if where.service == SERVERLESS:
            # It makes the user's name of IAM's: https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-iam.html
            said: Mapping[str, Any] = asked.get_credentials(
                workgroupName=where.name, dbName=database, durationSeconds=SECONDS
            )
            return said["dbUser"], said["dbPassword"]
        said = asked.get_cluster_credentials(
            DbUser=user,
            DbName=database,
            ClusterIdentifier=where.name,
            DurationSeconds=SECONDS,
            AutoCreate=False,
        )
        return said["DbUser"], said["DbPassword"]
    except Exception as error:
        action = "GetCredentials" if where.service == SERVERLESS else "GetClusterCredentials"
        known = classify(error, f"{where.service}:{action}")
        if known is None:
            raise
        known.hint = known.hint or f"Check hostPort and awsRegion. {ADDRESSES}"
        raise known from None
    finally:
        asked.close()
