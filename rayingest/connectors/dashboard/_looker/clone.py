"""A repository of LookML at a git host, cloned for as long as it is read."""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from rayingest.errors import ConfigError

# Who logs in with a token, as each host wants it.
_USERS = {"GitHub": "x-access-token", "Gitlab": "oauth2", "BitBucket": "x-token-auth"}
_PROTOCOLS = "https:http:ssh:file"


@contextmanager
def cloned(given: Any, seconds: float) -> Generator[str]:
    """The newest state of a repository in a folder that is gone afterwards.

    The token travels in git's environment, for this host alone: it is on no command line and in no
    file. Raises ConfigError with what git says.
    """
    url = f"{given.gitHostURL.rstrip('/')}/{given.repositoryOwner}/{given.repositoryName}.git"
    branch = ["--branch", given.branch] if given.branch else []
    folder = tempfile.mkdtemp(prefix="rayingest-lookml-")
    host = urlsplit(url)
    shown = url.replace(host.netloc, host.netloc.rpartition("@")[2]) if host.netloc else url
    try:
        command = ["git", "clone", "--quiet", "--depth", "1", *branch, "--", url, folder]
        _run(command, shown, _environment(given), seconds)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(given: Any) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environ |= {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": _PROTOCOLS}
    environ |= {"GIT_LFS_SKIP_SMUDGE": "1", "LC_ALL": "C"}
    if authority := os.environ.get("SSL_CERT_FILE"):
        environ["GIT_SSL_CAINFO"] = authority
    if given.token is not None:
        login = f"{_USERS[given.type]}:{given.token.get_secret_value()}".encode()
        host = urlsplit(given.gitHostURL)
        environ |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{host.scheme}://{host.netloc}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {base64.b64encode(login).decode()}",
        }
    return environ


def _run(command: list[str], url: str, environ: dict[str, str], seconds: float) -> None:
    hint = "Check gitCredentials: the host, the names, the token's right to read, the branch."
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the URL follows `--`
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise ConfigError(
            "gitCredentials: there is no git on this machine to clone with.",
            hint="Install git, or clone it yourself and write the path.",
        ) from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{url} was not cloned in {seconds:.0f} s.", hint=hint) from None
    if done.returncode:
        said = " ".join(done.stderr.replace(command[-2], url).split())[-300:]
        raise ConfigError(f"{url} cannot be cloned: {said}", hint=hint)
