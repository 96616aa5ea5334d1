"""Whether a cluster runs a Ray that fits."""

import re
from collections.abc import Iterator

from rayingest.config.kubernetes import RAY_VERSION, Kubernetes
from rayingest.errors import ConfigError

OLDEST = (2, 50)
"""As the extra `ray` has it."""


def compare(found: str, said: Kubernetes, address: str) -> Iterator[str]:
    """What is odd about a cluster's version, as sentences. Raises ConfigError for one that cannot do."""
    if "rayVersion" in said.model_fields_set and found != said.rayVersion:
        raise ConfigError(
            f"The Ray cluster at {address} runs Ray {found}, and the config says {said.rayVersion}.",
            hint="workflowConfig.distributedExecution.k8s.rayVersion: correct it, or leave it out.",
        )
    numbers = re.match(r"(\d+)\.(\d+)", found)
    if numbers is None or tuple(map(int, numbers.groups())) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ConfigError(
            f"The Ray cluster at {address} runs Ray {found}; rayingest needs {oldest} or newer.",
            hint=f"Take a cluster of Ray {RAY_VERSION}, with which this rayingest is tested.",
        )
    if found != RAY_VERSION:
        yield f"The cluster runs Ray {found}; this rayingest is tested with {RAY_VERSION}."
