"""Where a Ray cluster's dashboard is, and the token that lets us in, as Ray's own programs find it.

https://docs.ray.io/en/latest/ray-security/token-auth.html
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from rayingest.errors import ConfigError
from rayingest.kit.hosts import is_local

HOME = Path("~/.ray/auth_token")
ADDRESS = "RAY_API_SERVER_ADDRESS"
"""Where Ray's own programs find the dashboard, too."""
_LIKE = f"--address http://HOST:8265 (https:// behind an ingress), or {ADDRESS}."


def token(environ: Mapping[str, str]) -> str | None:
    """The token; None where nobody gave one. Raises ConfigError for a file that cannot be read.

    The token that Ray keeps at home may be of another cluster: it goes out only if RAY_AUTH_MODE=token
    says so.
    """
    mode = environ.get("RAY_AUTH_MODE", "").lower()
    if mode == "disabled":
        return None
    if given := environ.get("RAY_AUTH_TOKEN", "").strip():
        return given
    if path := environ.get("RAY_AUTH_TOKEN_PATH"):
        return _read(Path(path), "RAY_AUTH_TOKEN_PATH")
    home = HOME.expanduser()
    return _read(home, "RAY_AUTH_MODE=token") if mode == "token" and home.is_file() else None


def vouching(told: str | None) -> dict[str, str]:
    """The header that Ray 2.52 and newer read. Raises ConfigError for a token that no header can carry."""
    if told is None:
        return {}
    if not (told.isascii() and told.isprintable()):
        raise ConfigError(
            "The token of the Ray cluster has characters that no token has.",
            hint="`ray get-auth-token` shows the right one, on a machine of the cluster.",
        )
    return {"Authorization": f"Bearer {told}"}


def checked(address: str | None) -> str:
    """The address of a dashboard, without a slash at its end. Raises ConfigError."""
    if not address:
        raise ConfigError("Which Ray cluster? No address of its dashboard is given.", hint=_LIKE)
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        raise ConfigError("The address of the Ray dashboard is no URL.", hint=_LIKE) from None
    if parts.username is not None or parts.password is not None or parts.query:
        raise ConfigError(
            "The address of the Ray dashboard holds more than an address.",
            hint=f"What lets us in is RAY_AUTH_TOKEN. {_LIKE}",
        )
    if not good:
        what = "Ray Client (ray://) is not supported: its" if parts.scheme == "ray" else "Its"
        raise ConfigError(
            f"{address!r} is no address of a Ray dashboard. {what} dashboard takes jobs.",
            hint=_LIKE,
        )
    return address.rstrip("/")


def overheard(address: str) -> bool:
    """Whether others on the way could read what is sent there."""
    parts = urlsplit(address)
    return parts.scheme == "http" and not is_local(parts.hostname or "")


def _read(path: Path, why: str) -> str:
    try:
        told = path.expanduser().read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{why}: {path} cannot be read: {reason}.") from None
    if not told:
        raise ConfigError(f"{why}: {path} is empty.")
    return told
