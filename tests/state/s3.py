"""An S3 server on a random loopback port: moto's, which counts requests and fails when it is told to."""

import contextlib
import importlib
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from ..conftest import SERVERS_REQUIRED

BUCKET = "runs"
ERROR = "<?xml version='1.0'?><Error><Code>{}</Code><Message>{}</Message></Error>"


class Server:
    """Answers one request after another, as moto does, unless `faults` has a status and code for it."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lock = threading.Lock()
        self.requests: list[str] = []
        self.faults: list[tuple[str, str]] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """WSGI; moto itself looks and writes in two steps, which the lock makes one."""
        with self._lock:
            kind = environ["REQUEST_METHOD"]
            self.requests.append("LIST" if "list-type" in environ["QUERY_STRING"] else kind)
            if self.faults:
                status, code = self.faults.pop(0)
                start(status, [("Content-Type", "application/xml"), ("Connection", "close")])
                return [] if kind == "HEAD" else [ERROR.format(code, "as told").encode()]
            return list(self._app(environ, start))

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[str]]:
        """The requests that are made inside: `PUT`, `GET`, `HEAD`, `LIST`, `DELETE`."""
        before, found = len(self.requests), []
        yield found
        found += self.requests[before:]


@contextlib.contextmanager
def serve() -> Iterator[Server]:
    """Start a server; s3fs of this process and its children talks to nothing else."""
    moto, s3fs = (_needed(each) for each in ("moto.server", "s3fs"))
    from werkzeug.serving import make_server

    server = Server(moto.DomainDispatcherApplication(moto.create_backend_app))
    http = make_server("127.0.0.1", 0, server, threaded=True)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        with environment(f"http://127.0.0.1:{http.server_port}"):
            backend = importlib.import_module("moto.backends").get_backend("s3")
            backend.reset()  # moto keeps it for the whole process, whatever server held it
            s3fs.S3FileSystem().mkdir(BUCKET)
            yield server
            s3fs.S3FileSystem.clear_instance_cache()
            backend.reset()
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _needed(module: str) -> Any:
    """Import it; where servers are required its absence is an error, elsewhere a reason to skip."""
    return importlib.import_module(module) if SERVERS_REQUIRED else pytest.importorskip(module)


@contextlib.contextmanager
def environment(endpoint: str) -> Iterator[None]:
    """Credentials that open nothing, and one address."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "dummy")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "dummy")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield
