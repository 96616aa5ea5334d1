"""Lakes: a folder of this machine, and buckets of moto's S3."""

from importlib import import_module

import pytest
import stamina

from rayingest.connectors.database.datalake import CONNECTOR
from rayingest.testing.probe import Probe

from ..aws import ACCOUNT, needed, serving


@pytest.fixture
def lake(tmp_path):
    needed("pyarrow")
    folder = tmp_path / "lake"
    folder.mkdir()
    return folder


@pytest.fixture
def local(lake):
    """Lay files into the folder; answers a probe of it."""

    from .story import lay

    def make(files=None, **more):
        lay(lake, files or {})
        return Probe(CONNECTOR, {"configSource": {}, "bucketName": str(lake), **more})

    return make


@pytest.fixture(scope="module")
def server():
    needed("pyarrow")
    with serving() as running:
        yield running


@pytest.fixture
def aws(server):
    stamina.set_testing(True, attempts=6)
    yield server
    stamina.set_testing(False)
    server.reset()


@pytest.fixture
def s3(aws):
    """Put files into a bucket; answers a probe of all buckets."""

    def make(files=None, bucket="lake", region="eu-west-1", **more):
        client = aws.client("s3", region)
        if files is not None:
            client.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region}
            )
        # Thousands of objects take a minute over HTTP.
        behind = import_module("moto.backends").get_backend("s3")[ACCOUNT]["aws"]
        for key, content in (files or {}).items():
            behind.put_object(bucket, key, content)
        source = {"securityConfig": aws.config()}
        return Probe(CONNECTOR, {"configSource": source, **more})

    return make
