"""What is sent as the password: the password itself, or a fresh token of AWS IAM or Azure Entra ID."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from rayingest.config.connection import AwsCredentials, AzureCredentials
from rayingest.errors import ConfigError, MissingDriver

AZURE_SCOPE = "https://ossrdbms-aad.database.windows.net/.default"


def aws_token(aws: AwsCredentials, host: str, port: int, user: str) -> str:
    """Sign a token for RDS; it is valid for 15 minutes, sessions outlive it."""
    try:
        boto3: Any = import_module("boto3")
    except ImportError as error:
        raise MissingDriver("aws", "boto3") from error
    secret, token = aws.awsSecretAccessKey, aws.awsSessionToken
    keys = {
        "aws_access_key_id": aws.awsAccessKeyId,
        "aws_secret_access_key": secret.get_secret_value() if secret else None,
        "aws_session_token": token.get_secret_value() if token else None,
    }
    session = boto3.Session(region_name=aws.awsRegion, profile_name=aws.profileName, **keys)
    if aws.assumeRoleArn:
        role = {"RoleArn": aws.assumeRoleArn, "RoleSessionName": aws.assumeRoleSessionName}
        if aws.assumeRoleSourceIdentity:
            role["SourceIdentity"] = aws.assumeRoleSourceIdentity
        given = session.client("sts").assume_role(**role)["Credentials"]
        session = boto3.Session(
            region_name=aws.awsRegion,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )
    signed = session.client("rds").generate_db_auth_token(host, port, user, aws.awsRegion)
    return str(signed)


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
