"""Where runs are kept in these tests: a folder, an S3 bucket, a server with folders as fsspec sees one."""

from uuid import uuid4

import pytest

from rayingest.state.store import store

from .s3 import BUCKET, serve


@pytest.fixture(scope="module")
def s3():
    """An S3 server; see Server."""
    with serve() as server:
        yield server


@pytest.fixture
def bucket(s3):
    """An empty store in S3."""
    return store(f"s3://{BUCKET}/{uuid4().hex}/run")


@pytest.fixture
def folder(tmp_path):
    """An empty store in a folder."""
    return store(str(tmp_path / "state" / "run"))


@pytest.fixture(params=["local", "s3"])
def place(request, tmp_path):
    """URL of an empty store, which other processes may open too."""
    if request.param == "local":
        return str(tmp_path / "state" / "run")
    request.getfixturevalue("s3")
    return f"s3://{BUCKET}/{uuid4().hex}/run"


@pytest.fixture
def kept(place):
    return store(place)


@pytest.fixture(params=["local", "s3", "fsspec folders"])
def any_store(request, tmp_path):
    """An empty store of each kind."""
    if request.param == "fsspec folders":
        return store(f"local://{tmp_path}/state/run")
    return request.getfixturevalue({"local": "folder", "s3": "bucket"}[request.param])
