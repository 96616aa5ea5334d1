"""Tables of Delta on this machine and on moto's S3, asked through the connector."""

import pytest
import stamina

from rayingest.connectors.database.deltalake import CONNECTOR
from rayingest.testing.probe import Probe

from ..aws import KEYS, serving


@pytest.fixture
def lake(tmp_path):
    """A folder, and who asks for what is in it."""
    root = tmp_path / "lake"
    root.mkdir()
    return root, Probe(CONNECTOR, {"configSource": {"connection": {}, "bucketName": str(root)}})


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture
def aws(server):
    stamina.set_testing(True, attempts=3)
    create(server, "lake")
    yield server
    stamina.set_testing(False)
    server.reset()
    del server.xml_faults[:]


def create(server, bucket):
    where = {"LocationConstraint": "eu-west-1"}
    server.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)


def options(aws):
    """What the writer in Rust needs."""
    return {
        "aws_region": "eu-west-1",
        "aws_access_key_id": KEYS["awsAccessKeyId"],
        "aws_secret_access_key": KEYS["awsSecretAccessKey"],
        "aws_endpoint": aws.url,
        "aws_allow_http": "true",
    }


def probe(aws, bucket="lake", prefix="", **more):
    source = {
        "connection": {"securityConfig": aws.config(**more)},
        "bucketName": bucket,
        "prefix": prefix,
    }
    return Probe(CONNECTOR, {"configSource": source})
