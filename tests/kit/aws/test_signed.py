"""Requests of the REST kit, signed: moto checks each signature as AWS does."""

import hashlib
import hmac
import json
import re
from urllib.parse import parse_qsl, quote

import pytest

from rayingest.config.connection import AwsCredentials
from rayingest.errors import Denied, Unauthorised
from rayingest.kit.aws.errors import stranger
from rayingest.kit.rest.api import Api
from rayingest.kit.rest.auth import SigV4
from rayingest.kit.rest.http import Http

from ...connectors.aws import ACCOUNT, serving

ALLOWED = {"Effect": "Allow", "Action": "quicksight:*", "Resource": "*"}
DASHBOARDS = f"/accounts/{ACCOUNT}/dashboards"
GROUPS = f"/accounts/{ACCOUNT}/namespaces/default/groups"
REGION = "us-east-1"


@pytest.fixture(scope="module")
def aws():
    with serving() as running:
        yield running


def user(aws, name, *statements):
    """A user with a key and these rights."""
    iam = aws.client("iam", REGION)
    iam.create_user(UserName=name)
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"awsAccessKeyId": key["AccessKeyId"], "awsSecretAccessKey": key["SecretAccessKey"]}


@pytest.fixture(scope="module")
def keys(aws):
    return user(aws, "reader", ALLOWED), user(aws, "nobody")


@pytest.fixture
def checking(aws, keys, monkeypatch):
    """From here on moto looks at signatures and rights."""
    monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0)
    monkeypatch.setattr("moto.core.responses.ActionAuthenticatorMixin.request_count", 0)
    return keys


def api(aws, **given):
    config = AwsCredentials.model_validate({"awsRegion": REGION, **given})
    http = Http(timeout=10, stranger=stranger)
    return Api(aws.url, http, SigV4(config, "quicksight"))


def canonical(query):
    """A query as AWS reads it: decoded, encoded anew, sorted."""
    pairs = sorted(tuple(quote(part, safe="~") for part in pair) for pair in parse_qsl(query, True))
    return "&".join(f"{name}={value}" for name, value in pairs)


def signature(secret, *, path, query, headers, names, scope):
    """What AWS's page on signatures says; https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html."""
    lines = ["GET", quote(path, safe="/~"), canonical(query)]
    lines += [f"{each}:{headers[each]}" for each in names]
    lines += ["", ";".join(names), hashlib.sha256(b"").hexdigest()]
    asked = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], "/".join(scope), asked])
    key = f"AWS4{secret}".encode()
    for each in scope:
        key = hmac.digest(key, each.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def test_a_signed_request_passes(aws, checking):
    reader, _ = checking
    session = api(aws, **reader)
    assert session.post(GROUPS, {"GroupName": "g", "Description": "ü"})["Group"]["Arn"]
    session.close()


def test_what_a_query_has_is_signed_as_it_is_sent(aws, keys):
    """Moto takes no query that is signed, the vendor's own client's neither: AWS's page is the judge."""
    reader, _ = keys
    session = api(aws, **reader)
    session.get(DASHBOARDS, {"max-results": "5", "x": "a b+c/ü:*~&=", "b": ""})
    session.close()
    sent = aws.environs[-1]
    path, _, query = sent["RAW_URI"].partition("?")
    assert "x=a%20b%2Bc" in query
    headers = {
        "host": sent["HTTP_HOST"],
        "x-amz-date": sent["HTTP_X_AMZ_DATE"],
    }
    told = dict(re.findall(r"(\w+)=([^ ,]+)", sent["HTTP_AUTHORIZATION"]))
    scope = told["Credential"].split("/")[1:]
    names = told["SignedHeaders"].split(";")
    assert told["Signature"] == signature(
        reader["awsSecretAccessKey"],
        path=path,
        query=query,
        headers=headers,
        names=names,
        scope=scope,
    )
    assert scope[1:] == [REGION, "quicksight", "aws4_request"]


def test_a_wrong_secret_is_refused_and_not_shown(aws, checking):
    reader, _ = checking
    session = api(aws, **(reader | {"awsSecretAccessKey": "canary-of-a-wrong-secret"}))
    with pytest.raises(Unauthorised) as refused:
        session.post(GROUPS, {})
    assert "signature" in str(refused.value)
    assert "canary" not in str(refused.value)
    assert "keys" in refused.value.hint
    assert session.calls == 1  # the same keys again would be refused again
    session.close()


def test_an_unknown_key_is_refused(aws, checking):
    session = api(aws, awsAccessKeyId="AKIANOBODYKNOWSTHIS1", awsSecretAccessKey="x")
    with pytest.raises(Unauthorised):
        session.post(GROUPS, {})
    session.close()


def test_who_is_known_and_may_not_is_denied(aws, checking):
    _, nobody = checking
    session = api(aws, **nobody)
    with pytest.raises(Denied, match="not authorized to perform: quicksight:CreateGroup"):
        session.post(GROUPS, {})
    session.close()


def test_credentials_of_a_role_are_had_again_when_they_are_taken_no_more(aws):
    role = f"arn:aws:iam::{ACCOUNT}:role/reader"
    session = api(aws, **aws.config(REGION, assumeRoleArn=role))
    said = "The security token included in the request is expired"
    with aws.counted() as requests:
        assert session.get(DASHBOARDS)["DashboardSummaryList"] == []
        first = aws.environs[-1]
        aws.pages.append((403, json.dumps({"message": said})))
        assert session.get(DASHBOARDS)["DashboardSummaryList"] == []
    assert requests == ["sts", "quicksight", "quicksight", "sts", "quicksight"]
    last = aws.environs[-1]
    assert first["HTTP_X_AMZ_SECURITY_TOKEN"] != last["HTTP_X_AMZ_SECURITY_TOKEN"]
    assert "x-amz-security-token" in last["HTTP_AUTHORIZATION"]
    session.close()
