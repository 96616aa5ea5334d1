"""Whether a run's report and variables will be where they must: said before anything is created."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from rayingest.config import Config
from rayingest.config.interpolate import references
from rayingest.config.kubernetes import Kubernetes
from rayingest.errors import ConfigError

OF_THE_POD = {"file", "local", "memory"}
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def lasting(config: Config) -> bool:
    """Whether the run directory outlives the cluster: object storage, or a claim that is mounted."""
    url = config.execution.state_url
    if url is None:
        return False
    if remote(url):
        return True
    if "${" in url.partition("/")[0]:
        return True  # only the pods know
    path = PurePosixPath(re.sub(r"^\w+://", "", url))
    claims = (each for each in config.execution.k8s.volumes if each.claimName and not each.readOnly)
    return any(path.is_relative_to(each.mountPath) for each in claims)


def remote(url: str) -> bool:
    """Whether a place is the same one from wherever it is looked at: no folder of a machine."""
    return bool(SCHEME.match(url)) and urlsplit(url).scheme not in OF_THE_POD


def refuse_unrecorded(config: Config) -> None:
    """A run that nobody could read anything of needs the pod with the log. Raises ConfigError."""
    if config.execution.k8s.submissionMode == "HTTPMode" and not lasting(config):
        raise ConfigError(
            "Nothing would be left of this run: HTTPMode keeps no log, and its stateUrl is not outside the pods.",
            hint="Give a stateUrl on object storage (--state-url s3://…) or on a mounted claim (k8s.volumes), "
            "or --logs-pod, which keeps the log in a pod.",
        )


def refuse_unknown(config: Config, elsewhere: set[str]) -> None:
    """What the objects are made of must be known here: an image is no text. Raises ConfigError."""
    block = config.tree.get("workflowConfig", {}).get("distributedExecution") or {}
    here = {key: value for key, value in block.items() if key != "stateUrl"}
    if missing := elsewhere & references([here, config.tree["source"]["serviceName"]]):
        raise ConfigError(
            f"The objects themselves need {', '.join(sorted(missing))}, not set here.",
            hint="distributedExecution and serviceName are filled in where submit runs: export them.",
        )


def refuse_unset(k8s: Kubernetes, wanted: Iterable[str]) -> None:
    """Variables come out of Secrets; without any they would be missing in the pods. Raises ConfigError."""
    names = variables(wanted)
    if names and not k8s.envFromSecrets:
        raise ConfigError(
            f"The config reads {', '.join(names)}, and no Secret is named that has them in the pods.",
            hint="workflowConfig.distributedExecution.k8s.envFromSecrets: [NAME]; `kubectl create secret "
            "generic NAME --from-env-file=FILE` makes one.",
        )


def variables(wanted: Iterable[str]) -> list[str]:
    """The environment variables among references."""
    return sorted(each for each in wanted if not each.startswith("file:"))


def unmounted(k8s: Kubernetes, wanted: Iterable[str]) -> list[str]:
    """Files that the config reads and no volume brings; the image may have them."""
    paths = sorted(each.removeprefix("file:") for each in wanted if each.startswith("file:"))
    mounts = [each.mountPath for each in k8s.volumes]
    return [
        each for each in paths if not any(PurePosixPath(each).is_relative_to(on) for on in mounts)
    ]
