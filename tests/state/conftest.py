"""Where runs are kept in these tests: a folder, S3, Azure, a server with folders as fsspec sees one."""

from uuid import uuid4

import pytest

from rayingest.state.store import store
from rayingest.testing.servers import azurite

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


@pytest.fixture(scope="module")
def containers():
    """Azurite, where fsspec's package looks for Azure."""
    pytest.importorskip("adlfs")
    if why := azurite.ENVIRONMENT.available():
        pytest.skip(why)
    with azurite.server() as server, pytest.MonkeyPatch.context() as patch:
        server.client.create_container(BUCKET)
        patch.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection())
        yield


@pytest.fixture
def container(containers):
    """An empty store in Azure."""
    return store(f"abfs://{BUCKET}/{uuid4().hex}/run")


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


STORES = {"local": "folder", "s3": "bucket", "azure": "container"}


@pytest.fixture(
    params=["local", "s3", "fsspec folders", pytest.param("azure", marks=pytest.mark.slow)]
)
def any_store(request, tmp_path):
    """An empty store of each kind."""
    if request.param == "fsspec folders":
        return store(f"local://{tmp_path}/state/run")
    return request.getfixturevalue(STORES[request.param])
