"""What is sent as the password: the password itself, or a fresh token of AWS IAM or Azure Entra ID."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from rayingest.config.connection import AwsCredentials, AzureCredentials
from rayingest.errors import ConfigError, Unauthorised, Unreachable
from rayingest.kit.aws.session import credentials, session

NETWORK = "Check the network and the proxy."
SIGN_IN = "Check clientId, clientSecret and tenantId, or the identity of the environment."
AZURE_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


def aws_token(aws: AwsCredentials, host: str, port: int, user: str) -> str:
    """Sign a token for RDS; it is valid for 15 minutes, sessions outlive it."""
    given = session(aws)
    credentials(given)
    signer = given.create_client("rds", region_name=aws.awsRegion)
    return str(signer.generate_db_auth_token(host, port, user, aws.awsRegion))


def azure_token(azure: AzureCredentials, default_scopes: Sequence[str] = (AZURE_SCOPE,)) -> str:
    """Ask Entra ID for an access token. Raises ConfigError, Unauthorised or Unreachable."""
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
    elif azure.clientSecret:
        raise ConfigError(
            "azureConfig has a clientSecret, and not all of clientId and tenantId.",
            hint="Give all three, or none for the identity of the environment.",
        )
    else:
        credential = identity.DefaultAzureCredential(managed_identity_client_id=azure.clientId)
    scopes = azure.scopes.replace(",", " ").split() if azure.scopes else default_scopes
    return entra_token(credential, scopes)


def entra_token(credential: Any, scopes: Sequence[str], hint: str = SIGN_IN) -> str:
    """The token that a credential of azure-identity gets; `hint` is what to look at when it gets none.

    Raises Unauthorised or Unreachable.
    """
    core: Any = import_module("azure.core.exceptions")
    try:
        return str(credential.get_token(*scopes).token)
    except core.AzureError as error:
        text = str(error).strip().partition("\n")[0]
        # The client tells of a network that is cut as it does of a wrong secret.
        if isinstance(error, core.ServiceRequestError) or "HTTPSConnection" in text:
            raise Unreachable(f"Entra ID does not answer: {text}", hint=NETWORK) from None
        raise Unauthorised(f"Entra ID gave no token: {text}", hint=hint) from None
