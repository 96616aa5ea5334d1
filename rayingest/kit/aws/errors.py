"""What botocore's exceptions mean, by AWS's error codes."""

import re
from importlib import import_module
from typing import Any

from rayingest import errors

# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_THROTTLED = frozenset(
    re.findall(
        r"\w+",
        "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException "
        "TooManyRequestsException ProvisionedThroughputExceededException RequestLimitExceeded "
        "BandwidthLimitExceeded LimitExceededException SlowDown EC2ThrottledException "
        "TransactionInProgressException PriorRequestNotComplete",
    )
)
# https://docs.aws.amazon.com/awssupport/latest/APIReference/CommonErrors.html and the services' own.
_UNAUTHORISED = frozenset(
    re.findall(
        r"\w+",
        "ExpiredToken ExpiredTokenException RequestExpired UnrecognizedClientException "
        "InvalidClientTokenId InvalidAccessKeyId InvalidToken SignatureDoesNotMatch "
        "InvalidSignatureException IncompleteSignature IncompleteSignatureException AuthFailure "
        "MissingAuthenticationToken MissingAuthenticationTokenException OptInRequired NotAuthorized",
    )
)
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
_GONE = {
    *("EntityNotFoundException", "ResourceNotFoundException", "TableNotFoundException"),
    "NoSuchKey",
}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_ACTIONS = {"s3:ListObjectsV2": "s3:ListBucket", "s3:ListBuckets": "s3:ListAllMyBuckets"}
_BUSY = frozenset(
    re.findall(
        r"\w+",
        "InternalServerError InternalServiceException InternalFailure ServiceUnavailable "
        "ServiceUnavailableException OperationTimeoutException FederationSourceRetryableException "
        "RequestTimeout RequestTimeoutException ResourceNotReadyException",
    )
)
_WHO = re.compile(r"User:\s*(\S+)")
_ACTION = re.compile(r"perform:\s*([\w-]+:\w+)")
_ON = re.compile(r"on resource:\s*(\S+)")
_NOBODY = (
    *("security token included", "authentication token", "access key id you provided"),
    *("signature we calculated", "signature expired", "signature not yet current"),
)
_XML = re.compile(r"<Code>(\w+)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)
PROXY = "This is no answer of AWS: a proxy may answer instead; check endPointURL and HTTPS_PROXY."
CLOCK = "Check the keys and the session token, whether they have expired, and this machine's clock."
TRUST = "Allow sts:AssumeRole on assumeRoleArn, and let the role's trust policy name who asks."
PROFILE = "Check profileName, and AWS_PROFILE: `aws configure list-profiles` names those there are."
TRUSTED = "Name the authority that signed it in AWS_CA_BUNDLE, and check endPointURL and the proxy."
WHERE = "Check awsRegion, endPointURL, the network and the proxy."
BUCKET = "Check bucketName: there is no such bucket in any account, or not at endPointURL."
REGION = "The bucket is in another region: check awsRegion."
# What S3 says of a bucket that the config names wrong: nothing vanished.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_WRONG = {
    "NoSuchBucket": BUCKET,
    "PermanentRedirect": REGION,
    "AuthorizationHeaderMalformed": REGION,
    "IllegalLocationConstraintException": REGION,
}
LONGEST = 300  # characters of what AWS says that are told


def classify(error: Exception, action: str = "") -> errors.RayingestError | None:
    """Say what a failed call means; None: nothing is known about it. `action` is IAM's name of the call."""
    if isinstance(error, errors.RayingestError):
        return error
    told: Any = import_module("botocore.exceptions")
    if isinstance(error, told.ClientError):
        return _refused(error, action)
    text = _short(str(error))
    for kinds, meant in (
        (("ReadTimeoutError",), errors.TimedOut(f"AWS did not answer in time: {text}")),
        (("SSLError",), errors.Unreachable(text, hint=TRUSTED)),
        (
            ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"),
            errors.Unreachable(text, hint=WHERE),
        ),
        (
            ("ConnectionError", "HTTPClientError", "IncompleteReadError", "ResponseStreamingError"),
            errors.SessionLost(f"The connection broke: {text}"),
        ),
        (
            (
                *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
                *("MetadataRetrievalError", "TokenRetrievalError", "SSOError", "NoAuthTokenError"),
            ),
            errors.Unauthorised(text, hint=CLOCK),
        ),
        (("ProfileNotFound",), errors.ConfigError(f"awsConfig: {text}", hint=PROFILE)),
        (("ParamValidationError",), errors.Permanent(_flat(str(error)))),
        (("BotoCoreError",), errors.ConfigError(f"awsConfig: {text}")),
    ):
        if isinstance(error, tuple(getattr(told, each) for each in kinds if hasattr(told, each))):
            return meant
    if isinstance(error, ValueError) and "Invalid endpoint" in text:
        return errors.ConfigError(f"awsConfig.endPointURL: {text}", hint="Write it with https://.")
    return None


def _refused(error: Any, action: str) -> errors.RayingestError:  # noqa: C901, PLR0911 - a table of cases
    told = error.response.get("Error", {})
    action = _ACTIONS.get(action, action)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if error.operation_name == "AssumeRole":  # which a call of another kind needed first
        action = "sts:AssumeRole"
    code = str(told.get("Code", "")).rpartition("#")[2]
    said = str(told.get("Message") or told.get("message") or "")
    foreign = code.isdecimal()  # botocore's word for an answer that it does not understand
    if foreign and (found := _XML.search(said)):
        code, said, foreign = found[1], found[2], False
    text = f"{code}: {_short(said)}"
    text = f"{text} ({action})" if action else text
    if foreign:
        return (errors.Retryable if status >= 500 else errors.Permanent)(text, hint=PROXY)
    if action == "sts:AssumeRole" and code in _DENIED:
        return errors.Unauthorised(text, hint=TRUST)
    if code in _THROTTLED or status == 429:
        return errors.Throttled(text)
    if code in _UNAUTHORISED or status == 401:
        return errors.Unauthorised(text, hint=CLOCK)
    if code in _DENIED or status == 403:
        return errors.Denied(text, hint=_grant(text, action))
    if code in _GONE:
        return errors.Gone(text)
    if code in _WRONG:
        return errors.ConfigError(text, hint=_WRONG[code])
    if code in _BUSY or status >= 500:
        return errors.Retryable(text)
    return errors.Permanent(text)


def stranger(status: int, said: str) -> bool:
    """Whether AWS says by a refusal over plain HTTP that it does not know us."""
    return status in {400, 401, 403} and any(each in said.lower() for each in _NOBODY)


def _grant(text: str, action: str) -> str:
    """Which right is missing: AWS names it, else the action that was asked for."""
    if "Lake Formation" in text:
        return "Grant DESCRIBE on it in Lake Formation to the role or user of awsConfig."
    named, where, who = _ACTION.search(text), _ON.search(text), _WHO.search(text)
    wanted = named[1] if named else action or "the action"
    place = f" on {where[1]}" if where else ""
    if "explicit deny" in text:
        return f"A policy denies {wanted}{place} explicitly: that must go, no other can allow it."
    return (
        f"Allow {wanted}{place} in an IAM policy of {who[1] if who else 'the user of awsConfig'}."
    )


def _short(text: str) -> str:
    """The first line: what follows in a refused signature is the request, with its session token."""
    return _flat(text.partition("\n")[0])


def _flat(text: str) -> str:
    return " ".join(text.split())[:LONGEST]
