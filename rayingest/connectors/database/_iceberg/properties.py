"""What pyiceberg calls the parts of a connection: https://py.iceberg.apache.org/configuration/."""

from collections.abc import Mapping
from typing import Any

from rayingest.config.connection import AwsCredentials, AzureCredentials
from rayingest.connectors.database._iceberg.connection import FileSystem, UriCatalog
from rayingest.kit.aws.session import CONNECT_SECONDS, READ_SECONDS, endpoint

Properties = dict[str, Any]
# Over fsspec, whose errors the kit knows; and it needs no Arrow.
FILES: Mapping[str, str] = {"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO"}


def rest(given: UriCatalog) -> Properties:
    """Who asks a REST catalogue, and whom it trusts."""
    found: Properties = {"uri": given.uri}
    if given.token:
        found["token"] = given.token.get_secret_value()
    if given.credential and given.credential.clientSecret:
        name = given.credential.clientId.get_secret_value() if given.credential.clientId else ""
        secret = given.credential.clientSecret.get_secret_value()
        found["credential"] = f"{name}:{secret}" if name else secret
        found["oauth2-server-uri"] = f"{given.uri.rstrip('/')}/v1/oauth/tokens"
    if given.sigv4:
        signing = {
            "rest.signing-region": given.sigv4.signingRegion,
            "rest.signing-name": given.sigv4.signingName,
        }
        found |= {"rest.sigv4-enabled": "true", **_present(signing)}
    if given.ssl:
        pair = {"cert": given.ssl.clientCertPath, "key": given.ssl.privateKeyPath}
        found["ssl"] = _present({"cabundle": given.ssl.caCertPath, "client": _present(pair)})
    return found


def aws(given: AwsCredentials, keys: Any, timeout: float) -> Properties:
    """Keys of the moment, for files and for signatures."""
    return _present(
        {
            "client.region": given.awsRegion,
            "client.access-key-id": keys.access_key,
            "client.secret-access-key": keys.secret_key,
            "client.session-token": keys.token,
            "s3.endpoint": endpoint("s3", given),
            "s3.connect-timeout": str(min(timeout, CONNECT_SECONDS)),
            "s3.request-timeout": str(min(timeout, READ_SECONDS)),
        }
    )


def azure(given: AzureCredentials) -> Properties:
    """A service principal, or whoever the environment says."""
    secret = given.clientSecret.get_secret_value() if given.clientSecret else None
    return _present(
        {
            "adls.account-name": given.accountName,
            "adls.tenant-id": given.tenantId,
            "adls.client-id": given.clientId,
            "adls.client-secret": secret,
            "adls.anon": None if secret else "false",
        }
    )


def of_aws(connection: Any) -> AwsCredentials | None:
    """The credentials of AWS in a connection, wherever they stand."""
    found = getattr(connection, "awsConfig", None) or _files(connection)
    return found if isinstance(found, AwsCredentials) else None


def of_azure(connection: Any) -> AzureCredentials | None:
    """Those of Azure."""
    found = _files(connection)
    return found if isinstance(found, AzureCredentials) else None


def _files(connection: Any) -> AwsCredentials | AzureCredentials | None:
    files: FileSystem | None = getattr(connection, "fileSystem", None)
    return files.type if files else None


def _present(given: Mapping[str, Any]) -> Properties:
    return {key: value for key, value in given.items() if value}
