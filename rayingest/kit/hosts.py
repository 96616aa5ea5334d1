"""What an address says about how far away something is."""

from contextlib import suppress
from ipaddress import ip_address


def is_local(host: str) -> bool:
    """Whether a host, or the path of a socket, is on this machine."""
    if host.startswith("/") or host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False
