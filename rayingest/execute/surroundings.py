"""How processes reach the world: proxies and certificates of the driver hold for its workers, too."""

import os
from collections.abc import Mapping, MutableMapping

_WAYS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
WAYS = (*_WAYS, *(each.lower() for each in _WAYS))
PROXIES = (*WAYS, "NO_PROXY", "no_proxy")
FILES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that say which way to the network, and whom to trust. May hold a proxy's password."""
    return {name: environ[name] for name in (*PROXIES, *FILES) if environ.get(name)}


def adopt(given: Mapping[str, str], environ: MutableMapping[str, str]) -> None:
    """Set what is not set here: a machine's own proxies win, and files must be there."""
    own = any(environ.get(name) for name in WAYS)
    for name, value in given.items():
        fits = os.path.exists(value) if name in FILES else not own  # noqa: PTH110 - a file or a folder
        if fits:
            environ.setdefault(name, value)
