"""Start Ray or join one, and what lives there for several processes: the hub of limits."""

import contextlib
import logging
import os
import secrets
import socket
from collections.abc import Generator, Sequence
from importlib import import_module
from typing import Any

from rayingest.core.limits import Limit
from rayingest.errors import ConfigError, MissingDriver, RayingestError
from rayingest.execute.limits import Hub
from rayingest.execute.ray_actor import Far

LISTENS_SECONDS = 10.0
JOINING = (
    "Check the address (HOST:PORT of the head, mostly 6379), that RAY_AUTH_TOKEN is the cluster's, and that it runs "
    "the same Ray and Python versions; `--engine local` works without Ray."
)
TRACEBACK = "Traceback (most recent call last):"


def connect(ray: Any, address: str, *, dashboard: bool) -> str:
    """Start Ray, or join one; its dashboard's address. Raises ConfigError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    options: dict[str, Any] = {"address": address, "log_to_driver": False}
    options |= {"logging_level": logging.ERROR, "namespace": "rayingest"}
    if "RAY_AUTH_TOKEN" in os.environ:  # a cluster's token means nothing without the mode
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    if address == "local":
        if "RAY_AUTH_TOKEN" not in os.environ:
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        options["include_dashboard"] = dashboard
        if folder := os.environ.get("RAYINGEST_RAY_TEMP_DIR"):
            options["_temp_dir"] = folder
    try:
        _somebody_listens(address)
        with _alone() if address == "local" and not dashboard else contextlib.nullcontext():
            context = ray.init(**options)
    except Exception as error:
        raise ConfigError(
            f"Ray could not be {'started' if address == 'local' else 'reached at ' + address}: "
            f"{first_line(error)}",
            hint="`--engine local` works without Ray." if address == "local" else JOINING,
        ) from error
    _silence_raylet()
    return context.dashboard_url or ""


@contextlib.contextmanager
def _alone() -> Generator[None]:
    """Ray without the process of its dashboard, which it starts and waits for even when nobody wants one.

    That is a private name of Ray's (docs/decisions/0008): where there is none, Ray does as it ever did.
    """
    services: Any = import_module("ray._private.services")
    start = getattr(services, "start_api_server", None)
    if start is None:
        yield
        return
    services.start_api_server = lambda *_, **__: (None, None)
    try:
        yield
    finally:
        services.start_api_server = start


def _somebody_listens(address: str) -> None:
    """Ray itself tries for minutes, and does not say what is wrong. Raises OSError."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=LISTENS_SECONDS).close()


@contextlib.contextmanager
def started_ray(address: str) -> Generator[None]:
    """A Ray for several runs. Raises ConfigError, MissingDriver."""
    try:
        import ray
    except ImportError as error:
        raise MissingDriver("ray", "ray") from error
    connect(ray, resolve_address(address, os.environ.get("RAY_ADDRESS")), dashboard=False)
    try:
        yield
    finally:
        ray.shutdown()


def started_hub(name: str, limits: Sequence[Limit], *, callers: int) -> tuple[Any, Far]:
    """A hub for processes of a cluster: an actor that costs no CPU, begun anew when its node goes.

    `callers` is how many processes ask at once: a question may wait for its answer.
    """
    import ray

    kind: Any = ray.remote(Hub)
    handle = kind.options(
        name=f"rayingest {name} {secrets.token_hex(4)}",
        num_cpus=0,
        max_restarts=-1,
        max_task_retries=0,
        max_concurrency=min(1000, 8 + callers * max(1, len(limits))),
    ).remote(limits)
    return handle, Far(handle)


def ask_for(cores: int) -> None:
    """Tell the cluster's autoscaler to make room for so many cores, instead of what it was told before."""
    from ray.autoscaler.sdk import request_resources

    request_resources(num_cpus=cores)


def resolve_address(address: str, environment: str | None) -> str:
    """`local`, `HOST:PORT`, or `auto` = RAY_ADDRESS. Raises ConfigError."""
    wanted = environment if address == "auto" else address
    if not wanted:
        raise ConfigError(
            "--address auto: the environment variable RAY_ADDRESS is not set.",
            hint="Set RAY_ADDRESS=HOST:PORT, or use --address local for a Ray of this run's own.",
        )
    if wanted.startswith("ray://"):
        raise ConfigError(
            f"Ray Client addresses ({wanted}) are not supported: a driver far from its actors loses runs.",
            hint="Run rayingest on the cluster (`ray job submit -- rayingest run …`) or name HOST:6379.",
        )
    return wanted


def _silence_raylet() -> None:
    """Ray prints a paragraph about every process that dies; the run says it in one line itself."""
    with contextlib.suppress(Exception):
        from ray._private.ray_logging import global_worker_stdstream_dispatcher as dispatcher

        for name, _ in list(dispatcher.handlers):
            dispatcher.remove_handler(name)


def first_line(error: BaseException) -> str:
    """The line of somebody else's error that says what is wrong; the whole of ours.

    What Ray brings from a worker begins with the place, and has the cause behind a traceback.
    """
    if isinstance(error, RayingestError):
        return str(error)
    text = str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1 if TRACEBACK in text else 0] if lines else type(error).__name__
