"""Google's credentials out of a config; what goes wrong is told without any of their content."""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rayingest.config.gcp import GcpCredentials, GcpExternalAccount, GcpPath, GcpValues
from rayingest.errors import ConfigError, MissingDriver, Unauthorised

Found = tuple[Any, str | None]  # credentials of google-auth, and the project that they name


def credentials(config: GcpCredentials, scopes: Sequence[str], extra: str) -> Found:
    """Make credentials; no token is fetched yet. Raises MissingDriver, ConfigError or Unauthorised.

    `extra` is the pip extra that brings google-auth.
    """
    try:
        errors: Any = import_module("google.auth.exceptions")
    except ImportError as error:
        raise MissingDriver(extra, "google-auth") from error
    try:
        found, project = _given(config, scopes)
    except errors.DefaultCredentialsError as error:
        raise Unauthorised(
            "There are no application default credentials here.",
            hint="`gcloud auth application-default login`, GOOGLE_APPLICATION_CREDENTIALS, or "
            "another gcpConfig: a service account's key, or the path of a file.",
        ) from error
    other = config.gcpImpersonateServiceAccount
    if other is not None and other.impersonateServiceAccount:
        impersonated: Any = import_module("google.auth.impersonated_credentials")
        found = impersonated.Credentials(
            found, other.impersonateServiceAccount, list(scopes), lifetime=other.lifetime
        )
    return found, project


def _given(config: GcpCredentials, scopes: Sequence[str]) -> Found:
    match config.gcpConfig:
        case GcpValues() as values if values.privateKey or values.clientEmail:
            return _made(_key(values), scopes, "its fields")
        case GcpPath(path=str() as path):
            return _made(_content(path), scopes, f"the file {path}")
        case GcpExternalAccount() as account:
            return _made(_federation(account), scopes, "its fields")
        case _:
            auth: Any = import_module("google.auth")
            found: Found = auth.default(scopes=list(scopes))
            return found


def _key(values: GcpValues) -> dict[str, Any]:
    secret = values.privateKey.get_secret_value() if values.privateKey else ""
    return {
        "type": "service_account",
        "project_id": values.projectId if isinstance(values.projectId, str) else None,
        "private_key_id": values.privateKeyId,
        "private_key": secret.replace("\\n", "\n"),
        "client_email": values.clientEmail,
        "client_id": values.clientId,
        "token_uri": values.tokenUri,
    }


def _federation(account: GcpExternalAccount) -> dict[str, Any]:
    return {
        "type": "external_account",
        "audience": account.audience,
        "subject_token_type": account.subjectTokenType,
        "token_url": account.tokenURL,
        "credential_source": account.credentialSource,
    }


def _content(path: str) -> dict[str, Any]:
    try:
        told = json.loads(Path(path).expanduser().read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            f"gcpConfig.path: {path} cannot be read: {error.strerror}.",
            hint="It must be there on every machine that works.",
        ) from error
    except ValueError as error:
        raise _unusable(f"the file {path}") from error
    return told if isinstance(told, dict) else {}


def _made(info: dict[str, Any], scopes: Sequence[str], where: str) -> Found:
    """Credentials of the kind that `type` says; never of a kind that runs a program."""
    kinds = {
        "service_account": ("google.oauth2.service_account", "from_service_account_info"),
        "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info"),
        "external_account": ("google.auth.identity_pool", "from_info"),
    }
    if info.get("type") not in kinds:
        raise ConfigError(
            f"credentials.gcpConfig: {where} has credentials of type {info.get('type')!r}.",
            hint=f"Known are {', '.join(kinds)}. With gcp_adc and GOOGLE_APPLICATION_CREDENTIALS "
            "all kinds work that Google knows.",
        )
    module, maker = kinds[info["type"]]
    source = info.get("credential_source")
    if isinstance(source, dict) and "environment_id" in source:
        module = "google.auth.aws"
    errors: Any = import_module("google.auth.exceptions")
    try:
        made = getattr(import_module(module).Credentials, maker)(info, scopes=list(scopes))
    except (errors.GoogleAuthError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise _unusable(where) from error
    return made, info.get("project_id")


def _unusable(where: str) -> ConfigError:
    # What google-auth says may quote the key.
    return ConfigError(
        f"credentials.gcpConfig: no credentials can be made of {where}.",
        hint="Compare with the JSON file of the service account's key: `privateKey` is the whole "
        "PEM text, from -----BEGIN to END-----; clientEmail and tokenUri belong to it.",
    )
