"""Who asks AWS: a botocore session out of OpenMetadata's `awsConfig`, renewed while a run lasts."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from rayingest.config.connection import AwsCredentials
from rayingest.errors import ConfigError, MissingDriver, Unauthorised
from rayingest.kit.aws.errors import classify

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
CREDENTIALS = (
    "Give awsAccessKeyId and awsSecretAccessKey, or profileName; or run where the environment, "
    "an instance profile or a role of the container has credentials."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What a session asks for its credentials: those of a role that was assumed."""

    credentials: Any

    def load_credentials(self) -> Any:
        """They are asked for when they are first needed, and again before they end."""
        return self.credentials


def core() -> Any:
    """The package botocore. Raises MissingDriver."""
    try:
        return import_module("botocore.session")
    except ImportError as error:
        raise MissingDriver("aws", "boto3") from error


def session(aws: AwsCredentials) -> Any:
    """A botocore session with the config's credentials; a role is assumed when they are first needed.

    Raises MissingDriver, Unauthorised and ConfigError.
    """
    given = _plain(aws)
    if not aws.assumeRoleArn:
        return given
    assumed = _bare(None, aws.awsRegion)
    assumed.register_component("credential_provider", Found(_role(given, aws, aws.assumeRoleArn)))
    return assumed


def credentials(given: Any) -> Any:
    """A session's credentials, which renew themselves. Raises Unauthorised and ConfigError."""
    try:
        found = given.get_credentials()
    except Exception as error:
        raise classify(error) or error from error
    if found is None:
        raise Unauthorised("There are no credentials of AWS.", hint=CREDENTIALS)
    return found


def client(given: Any, service: str, aws: AwsCredentials, timeout: float) -> Any:
    """A client of one service, which makes each call once: retries are ours. Raises as `credentials`."""
    credentials(given)
    try:
        return given.create_client(
            service,
            region_name=aws.awsRegion,
            endpoint_url=endpoint(service, aws),
            config=_waits(timeout),
        )
    except Exception as error:
        raise classify(error) or error from error


def endpoint(service: str, aws: AwsCredentials) -> str | None:
    """`endPointURL`, where it answers for this service; None is AWS's own address.

    An emulator answers for all services; an address of AWS's names the one that it is for.
    """
    given = aws.endPointURL
    if given is None or (service == "sts" and "AWS_ENDPOINT_URL_STS" in os.environ):
        return None
    host = urlsplit(given).hostname or ""
    of_aws = "amazonaws." in host or host.endswith(".api.aws")
    return given if not of_aws or service in re.split("[.-]", host) else None


def hidden(aws: AwsCredentials) -> Sequence[str]:
    """What no message may show."""
    secrets = (aws.awsSecretAccessKey, aws.awsSessionToken)
    return [each.get_secret_value() for each in secrets if each and each.get_secret_value()]


def _plain(aws: AwsCredentials) -> Any:
    secret, token = aws.awsSecretAccessKey, aws.awsSessionToken
    if bool(aws.awsAccessKeyId) != bool(secret and secret.get_secret_value()):
        raise ConfigError(
            "awsConfig has one of awsAccessKeyId and awsSecretAccessKey.",
            hint="Give both, or none for the credentials of the environment.",
        )
    found = _bare(aws.profileName, aws.awsRegion)
    if aws.awsAccessKeyId and secret:
        found.set_credentials(
            aws.awsAccessKeyId,
            secret.get_secret_value(),
            token.get_secret_value() if token else None,
        )
    return found


def _bare(profile: str | None, region: str) -> Any:
    made = core().Session(profile=profile)
    made.register_component("data_loader", _models())
    try:
        made.set_config_variable("region", region)
        made.get_scoped_config()  # a profile that does not exist is told here
    except Exception as error:
        raise classify(error) or error from error
    return made


def _role(given: Any, aws: AwsCredentials, arn: str) -> Any:
    """Credentials of the role: AWS lends them for an hour, botocore renews them before that."""
    kinds: Any = import_module("botocore.credentials")
    more = {"RoleSessionName": aws.assumeRoleSessionName}
    if aws.assumeRoleSourceIdentity:
        more["SourceIdentity"] = aws.assumeRoleSourceIdentity
    fetcher = kinds.AssumeRoleCredentialFetcher(
        client_creator=partial(_sts, given, aws),
        source_credentials=credentials(given),
        role_arn=arn,
        extra_args=more,
    )
    return kinds.DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )


def _sts(given: Any, aws: AwsCredentials, service: str, **keys: Any) -> Any:
    return given.create_client(
        service,
        region_name=aws.awsRegion,
        endpoint_url=endpoint(service, aws),
        config=_waits(READ_SECONDS),
        **keys,
    )


def _waits(timeout: float) -> Any:
    config: Any = import_module("botocore.config")
    return config.Config(
        connect_timeout=min(timeout, CONNECT_SECONDS),
        read_timeout=min(timeout, READ_SECONDS),
        retries={"total_max_attempts": 1},
    )


@cache
def _models() -> Any:
    """The services' models, read once for all sessions of a process: Glue's takes a tenth of a second."""
    return import_module("botocore.loaders").Loader()
