"""What is sent as the password: the password itself, or a fresh token of AWS IAM or Azure Entra ID."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from rayingest.config.connection import AwsCredentials, AzureCredentials
from rayingest.errors import ConfigError
from rayingest.kit.aws.session import credentials, session

AZURE_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


def aws_token(aws: AwsCredentials, host: str, port: int, user: str) -> str:
    """Sign a token for RDS; it is valid for 15 minutes, sessions outlive it."""
    given = session(aws)
    credentials(given)
    signer = given.create_client("rds", region_name=aws.awsRegion)
    return str(signer.generate_db_auth_token(host, port, user, aws.awsRegion))


def azure_token(azure: AzureCredentials, default_scopes: Sequence[str] = (AZURE_SCOPE,)) -> str:
    """Ask Entra ID for an access token."""
    try:
        identity: Any = import_module("azure.identity")
    except ImportError as error:
        raise ConfigError(
            "authType.azureConfig needs the package 'azure-identity', which is not installed.",
            hint="pip install azure-identity, or give authType.password.",
        ) from error
    if azure.clientId and azure.clientSecret and azure.tenantId:
        secret = azure.clientSecret.get_secret_value()
        credential = identity.ClientSecretCredential(azure.tenantId, azure.clientId, secret)
    else:
        credential = identity.DefaultAzureCredential()
    scopes = azure.scopes.replace(",", " ").split() if azure.scopes else default_scopes
    return str(credential.get_token(*scopes).token)
