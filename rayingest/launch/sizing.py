"""How many worker pods a run wants, and how big each of them is."""

import math
from dataclasses import dataclass

from rayingest.config.execution import Execution, Resources, quantity
from rayingest.execute.growth import SLOTS_PER_ACTOR

REQUESTED_CPU, CPU_LIMIT, MEMORY = "1", "2", "2Gi"
Amount = str | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """The worker group: its pods at the start, at least and at most, and the resources of one."""

    start: int
    least: int
    most: int
    cpus: int
    requests: dict[str, str]
    limits: dict[str, str]

    @property
    def autoscaling(self) -> bool:
        """Whether the number of pods may change."""
        return self.least < self.most


def workers(execution: Execution) -> Workers:
    """Size the worker group for a parallelism.

    The engine puts ceil(P / 25) actors on a cluster, a CPU for each. It asks Ray for those CPUs as discovery
    finds work for them (execute.growth), so the cluster begins with the pods that always stay, and grows.
    Kueue admits clusters of a fixed size only: they have all from the beginning.
    """
    k8s = execution.k8s
    asked, most_of_each = execution.requests, execution.resource_limits
    cpu, memory = _cpu(asked, most_of_each), _memory(asked, most_of_each)
    actors = max(1, math.ceil(quantity(cpu[1])))
    need = math.ceil(execution.parallelism / (SLOTS_PER_ACTOR * actors))
    most = k8s.maxWorkers or max(need, k8s.minWorkers)
    whole = min(max(need, k8s.minWorkers), most)
    fixed = k8s.queueName is not None
    return Workers(
        start=whole if fixed else k8s.minWorkers,
        least=whole if fixed else k8s.minWorkers,
        most=whole if fixed else most,
        cpus=actors,
        requests={"cpu": cpu[0], "memory": memory[0]},
        limits={"cpu": cpu[1], "memory": memory[1]},
    )


def _cpu(asked: Resources, most: Resources) -> tuple[str, str]:
    """Request and limit; where one is not said it keeps out of the other's way."""
    limit = most.cpu or _bigger(asked.cpu, CPU_LIMIT)
    return _spelled(asked.cpu or min(REQUESTED_CPU, limit, key=quantity)), _spelled(limit)


def _memory(asked: Resources, most: Resources) -> tuple[str, str]:
    """One number for both when only one is said: a pod then has what the node promised."""
    request = asked.memory or most.memory or MEMORY
    return _spelled(request), _spelled(most.memory or request)


def _bigger(said: Amount | None, usual: Amount) -> Amount:
    return max(said or usual, usual, key=quantity)


def _spelled(amount: Amount) -> str:
    """As Kubernetes has it: 2.0 is 2."""
    whole = isinstance(amount, float) and amount.is_integer()
    return str(int(amount)) if whole else str(amount)
