"""python-tds's own `connect`, with our TLS context, and without its sleeping between tries.

It tries again for as long as a sign-in may take when a server is down or has no such database, and
says at the end that the time is over. Neither that nor its context can be asked for otherwise, so
the function is copied with these two names bound to ours: nothing of the driver is changed for
anybody else in this process.
"""

from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

from rayingest.errors import ConfigError

OURS = "rayingest"  # stands for a file of certificates, which python-tds wants to be named


def dialling(pytds: Any, context: Any) -> Callable[..., Any]:
    """`pytds.connect` for one connection. Raises ConfigError when this version works otherwise."""
    theirs = pytds.connect
    if not {"tls", "utils"} <= set(theirs.__code__.co_names):
        raise ConfigError(
            "This version of python-tds is not known to rayingest.",
            hint="pip install 'rayingest[mssql]' installs one that is.",
        )
    names = {
        **vars(pytds),
        "tls": SimpleNamespace(OPENSSL_AVAILABLE=True, create_context=lambda cafile: context),
        "utils": SimpleNamespace(parse_server=pytds.utils.parse_server, exponential_backoff=_once),
    }
    return FunctionType(theirs.__code__, names, "connect", theirs.__defaults__)


def _once(
    work: Callable[[float], Any], ex_handler: object, max_time_sec: float, **_: object
) -> Any:
    return work(max_time_sec)
