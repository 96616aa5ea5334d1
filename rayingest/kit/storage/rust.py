"""What the Rust libraries (deltalake and others over `object_store`) are told of a storage: plain options.

The keys are object_store's: https://docs.rs/object_store/latest/object_store/aws/enum.AmazonS3ConfigKey.html
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from rayingest.config.connection import AwsCredentials
from rayingest.kit.aws.session import CONNECT_SECONDS, credentials, endpoint, session


def s3(aws: AwsCredentials, timeout: float, given: object = None) -> Mapping[str, str]:
    """Options for S3, with the keys of this moment: ask again for each table, those of a role change.

    `given` is a botocore session that was made of `aws` before. Raises as `credentials`.
    """
    keys = credentials(given or session(aws)).get_frozen_credentials()
    options = {
        "aws_region": aws.awsRegion,
        "aws_access_key_id": keys.access_key,
        "aws_secret_access_key": keys.secret_key,
        "timeout": f"{max(1, int(timeout))}s",
        "connect_timeout": f"{max(1, int(min(timeout, CONNECT_SECONDS)))}s",
    }
    if keys.token:
        options["aws_session_token"] = keys.token
    if address := endpoint("s3", aws):
        options |= {"aws_endpoint": address, "aws_virtual_hosted_style_request": "false"}
        if urlsplit(address).scheme == "http":
            options["aws_allow_http"] = "true"
    return options
