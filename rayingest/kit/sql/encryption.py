"""Whether others can read a connection on its way: a line of `rayingest check`."""

from collections.abc import Iterator

from rayingest.core.source import CheckResult
from rayingest.kit.hosts import is_local


def encryption(
    host: str,
    *,
    encrypted: bool,
    verified: bool,
    mends: tuple[str, str],
    what: str = "metadata and password",
) -> Iterator[CheckResult]:
    """Warn of a server elsewhere; `mends` says how to encrypt, and how to verify the certificate."""
    if is_local(host) or (encrypted and verified):
        return
    if encrypted:
        why = f"the connection to {host} is encrypted, but nobody verified the server's certificate"
    else:
        why = f"the connection to {host} is not encrypted; {what} can be read on the way"
    yield CheckResult("encryption", "warning", why, mends[encrypted])
