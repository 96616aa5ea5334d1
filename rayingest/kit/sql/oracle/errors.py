"""What python-oracledb's exceptions mean, by the numbers of server, network and driver; their text is kept.

https://docs.oracle.com/en/error-help/db/ has the numbers ORA-…; DPY-… are the driver's own, and DPI-…
those of its thick mode: https://python-oracledb.readthedocs.io/en/latest/user_guide/exception_handling.html
"""

import re

from rayingest import errors

DICTIONARY = "GRANT SELECT_CATALOG_ROLE TO {user};"
_CODE = re.compile(r"\b(?:ORA|DPY|DPI)-\d{4,5}\b")
# The driver tells a listener's answer in words of its own, and Oracle's number behind it.
_NOISE = re.compile(r" ?\(CONNECTION_ID=[^)]*\)|\s*Help: https?://\S+")


def _ora(*numbers: int) -> frozenset[str]:
    return frozenset(f"ORA-{each:05}" for each in numbers)


_CANCELLED = _ora(1013, 40, 2393, 2395, 3136) | {"DPY-4024", "DPI-1067"}
_LOST = _ora(28, 1012, 1089, 1092, 2396, 3113, 3114, 3135, 12537, 12547, 12570, 12571) | {
    *("DPY-4011", "DPY-1001", "DPY-4010", "DPI-1010", "DPI-1080"),
}
_BUSY = _ora(18, 20, 2391, 12516, 12518, 12519, 12520)
_LATER = _ora(54, 60, 1033, 1034, 1555, 4020, 4021, 4068, 8177, 12526, 12527, 12528)
_DENIED = _ora(942, 1031, 31603, 41900)
_LOGIN = _ora(1005, 1017, 1045, 28000, 28001, 28003, 28009, 28040, 28041, 1004)
_UNAUTHORISED = _LOGIN | {"DPY-4001", "DPY-3015", "DPY-3016"}
_NO_SERVICE = _ora(12514, 12505, 12521, 12504) | {"DPY-6001", "DPY-6003"}
# The config asks for what the driver cannot do, or cannot read.
_CONFIG = re.compile(
    r"DPY-(?:2\d{3}|30\d\d|40(?:00|17|18|2[0-36-9]))|DPI-10(?:47|50|72)|ORA-12154|ORA-28759"
)
_OLD_SERVER, _THICK_ONLY = "DPY-3010", "DPY-30"


def classify(error: Exception) -> errors.RayingestError | None:  # noqa: PLR0911 - a table of cases
    """Say what a failed statement means for its caller."""
    if not is_ours(error):
        return errors.SessionLost(f"The connection broke: {error}") if _is_network(error) else None
    found, text = codes(error), text_of(error)
    if found & _CANCELLED:
        return errors.TimedOut(f"The statement was cancelled: {text}")
    if found & _LOST:
        return errors.SessionLost(f"The connection broke: {text}")
    if found & _BUSY:
        return errors.Throttled(text)
    if found & _LATER:
        return errors.Retryable(text)
    if found & _DENIED:
        return errors.Denied(text, hint=DICTIONARY.format(user="the user of the config"))
    if found & _UNAUTHORISED:
        return errors.Unauthorised(text)
    return errors.Permanent(text)


def classify_connect(  # noqa: PLR0911 - a table of cases
    error: Exception, where: str, user: str
) -> Exception:
    """Say what a failed attempt to connect means."""
    if isinstance(error, TypeError | ValueError):
        return errors.ConfigError(
            f"connectionOptions, connectionArguments: {error}",
            hint="They take the parameters of oracledb.ConnectParams and of oracledb.connect.",
        )
    if not is_ours(error) and not _is_network(error):
        return error
    found, text = codes(error), text_of(error)
    if found & _BUSY:
        return errors.Throttled(
            f"{where}: {text}",
            hint="Lower parallelism, or raise PROCESSES, SESSIONS or the profile's SESSIONS_PER_USER.",
        )
    if found & _NO_SERVICE:
        return errors.Unreachable(
            f"{where} is a listener without that database: {text}",
            hint="`lsnrctl services` on the host lists the services; oracleConnectionType."
            "oracleServiceName must be one of them, with its domain.",
        )
    if found & _LATER:
        return errors.Retryable(f"{where} does not take sessions now: {text}")
    if found & _UNAUTHORISED:
        return errors.Unauthorised(
            f"{where} does not accept user {user!r}: {text}", hint=_login_hint(found, user)
        )
    if any(_CONFIG.fullmatch(each) for each in found):
        return errors.ConfigError(f"{where}: {text}", hint=_config_hint(found))
    return errors.Unreachable(
        f"{where} does not answer: {text}",
        hint="Check hostPort, the network, firewalls, and that the listener is up. A port for TLS "
        "wants connectionOptions.protocol: tcps.",
    )


def codes(error: BaseException) -> frozenset[str]:
    """All numbers in an error's text: what it is, and what it came of."""
    return frozenset(_CODE.findall(str(error)))


def text_of(error: BaseException) -> str:
    """One line, without links and ids."""
    return " ".join(_NOISE.sub("", str(error)).split())


def is_ours(error: BaseException) -> bool:
    """Whether it comes from the driver."""
    return type(error).__module__.partition(".")[0] == "oracledb"


def _is_network(error: BaseException) -> bool:
    """The thin driver lets what the system says of a socket or a host's name pass as it is."""
    return isinstance(error, OSError)


def _login_hint(found: frozenset[str], user: str) -> str:
    if found & _ora(1045):
        return f"GRANT CREATE SESSION TO {user};"
    if found & _ora(28000):
        return f"The account is locked: ALTER USER {user} ACCOUNT UNLOCK;"
    if found & _ora(28001):
        return f"The password has expired: ALTER USER {user} IDENTIFIED BY a new one;"
    if found & {"DPY-3015", "DPY-3016"}:
        return (
            "The password is stored in a form that is too old for the thin driver: set it anew, or "
            "give instantClientDirectory."
        )
    return "Check username and password; both count upper and lower case."


def _config_hint(found: frozenset[str]) -> str:
    if _OLD_SERVER in found:
        return "The thin driver needs Oracle 12.1; give instantClientDirectory for an older one."
    if any(each.startswith(_THICK_ONLY) for each in found):
        return "The thin driver cannot do that: give instantClientDirectory, Oracle's own client."
    if any(each.startswith("DPI-") for each in found):
        return (
            "instantClientDirectory must hold Oracle's client libraries; leave it out if nothing "
            "of the thick mode (Kerberos, native encryption) is needed."
        )
    return (
        "Check oracleConnectionType, and connectionOptions: config_dir is the folder of "
        "tnsnames.ora, wallet_location that of a wallet."
    )
