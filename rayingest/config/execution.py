# ruff: noqa: N815 - the attributes are spelled as in the user's YAML
"""`workflowConfig.distributedExecution`, and how it becomes an engine and a parallelism."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rayingest.config.connection import ConnectionModel
from rayingest.config.kubernetes import Kubernetes
from rayingest.errors import ConfigError

RAY_PARALLELISM = 50
SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
SUFFIXES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}

Engine = Literal["local", "ray"]
Orchestrator = Literal["ray", "kuberay", "argo", "airflow"]
Launched = Literal["kuberay", "argo"]


class ExecutionMode(StrEnum):
    """How entities are described: one after the other, by threads of this process, or on Ray."""

    SEQUENTIAL = "SEQUENTIAL"
    LOCAL = "LOCAL"
    DISTRIBUTED = "DISTRIBUTED"


def quantity(text: str | float) -> float:
    """Read a Kubernetes quantity: 2, 500m, 512Mi, 1G. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|[kMGT]|[KMGT]i)?", str(text))
    if not found:
        raise ValueError("expected an amount such as 2, 500m or 512Mi")
    number, suffix = found.groups()
    return float(number) / 1000 if suffix == "m" else float(number) * SUFFIXES.get(suffix, 1)


def _amount(value: str | float) -> str | float:
    quantity(value)
    return value


def _address(text: str) -> str:
    if text.startswith("ray://"):
        raise ValueError("Ray Client (ray://) is not supported; run inside the cluster, or submit")
    if text not in {"auto", "local"} and not re.fullmatch(r"\S+:\d+", text):
        raise ValueError("expected auto, local or HOST:PORT")
    return text


Amount = Annotated[float | str, AfterValidator(_amount)]


class RetryPolicy(ConnectionModel):
    """How often an entity is tried that failed for a reason that may pass."""

    maxAttempts: int = Field(default=3, ge=1, description="Attempts in all.")
    backoffSeconds: float = Field(
        default=30, ge=0, description="The longest wait between attempts."
    )
    backoffFactor: float = Field(
        default=2, ge=1, description="Each wait is so many times the last one."
    )


class Resources(ConnectionModel):
    """CPU and memory, as Kubernetes spells them."""

    cpu: Amount | None = Field(default=None, description="Cores, such as 2 or 500m.")
    memory: Amount | None = Field(default=None, description="Bytes, such as 2Gi.")

    @property
    def cores(self) -> float | None:
        """CPU as a number."""
        return None if self.cpu is None else quantity(self.cpu)

    @property
    def bytes(self) -> int | None:
        """Memory as a number."""
        return None if self.memory is None else int(quantity(self.memory))


class LimitOverride(ConnectionModel):
    """Another limit than the one that the connector ships."""

    rate: float | None = Field(default=None, gt=0, description="Calls per second.")
    burst: int | None = Field(default=None, ge=1, description="Calls at once.")
    maxConcurrency: int | None = Field(default=None, ge=1, description="Calls at the same time.")
    scope: str | None = Field(default=None, description="What the limit is counted over.")
    where: str | None = Field(default=None, description="Which calls it holds for.")


class DistributedExecution(ConnectionModel):
    """Where a run takes place, and how much of it at once."""

    enabled: bool = Field(
        default=False, description="Run on the orchestrator, not in this process."
    )
    orchestrator: Orchestrator = Field(
        default="ray", description="ray: here; kuberay, argo: submitted to Kubernetes."
    )
    parallelism: int | None = Field(
        default=None,
        ge=1,
        description=f"Pieces of work at the source at once (on Ray: {RAY_PARALLELISM}).",
    )
    address: Annotated[str, AfterValidator(_address)] = Field(
        default="local",
        description="Ray cluster: local (a new one), auto (RAY_ADDRESS) or HOST:PORT.",
    )
    retryPolicy: RetryPolicy = Field(
        default=RetryPolicy(), description="When an entity is tried again."
    )
    resourceRequests: Resources | None = Field(
        default=None, description="What a worker pod asks for (`rayingest submit`)."
    )
    callTimeoutSeconds: float = Field(default=300, gt=0, description="Longest call to the source.")
    jobTimeoutSeconds: float = Field(
        default=3600,
        gt=0,
        description="Longest work of the source on what it was asked for (a scan).",
    )
    sinkOutageSeconds: float = Field(default=300, ge=0, description="How long a sink may be down.")
    sourceOutageSeconds: float = Field(
        default=120, ge=0, description="How long a source that was there may be away."
    )
    stateUrl: str | None = Field(
        default=None, description="Folder (any fsspec URL) of runs and state."
    )
    resourceLimits: Resources | None = Field(
        default=None, description="What a worker pod may take (`rayingest submit`)."
    )
    namespace: str | None = Field(
        default=None, description="Kubernetes namespace (`rayingest submit`)."
    )
    image: str | None = Field(default=None, description="Container image (`rayingest submit`).")
    limits: dict[str, LimitOverride] = Field(
        default_factory=dict, description="Other limits than the connector's, by name."
    )
    k8s: Kubernetes = Field(
        default=Kubernetes(), description="More about the Kubernetes objects (`rayingest submit`)."
    )

    @model_validator(mode="after")
    def _asks_for_what_it_may_take(self) -> Self:
        asked, most = self.resourceRequests or Resources(), self.resourceLimits or Resources()
        for what, one, other in (
            ("cpu", asked.cores, most.cores),
            ("memory", asked.bytes, most.bytes),
        ):
            if one is not None and other is not None and one > other:
                raise ValueError(f"resourceRequests.{what} is more than resourceLimits.{what}")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What is done: the answer to enabled, orchestrator, --engine, threads and parallelism.

    `launched`: not here, but on a cluster that is started for it; the rest is what holds there.
    """

    engine: Engine = "local"
    mode: ExecutionMode = ExecutionMode.SEQUENTIAL
    parallelism: int = 1
    orchestrator: Orchestrator = "ray"
    launched: Launched | None = None
    address: str = "local"
    namespace: str | None = None
    image: str | None = None
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    requests: Resources = field(default_factory=Resources)
    resource_limits: Resources = field(default_factory=Resources)
    call_timeout: float = 300.0
    job_timeout: float = 3600.0
    sink_outage: float = 300.0
    source_outage: float = 120.0
    state_url: str | None = None
    limits: Mapping[str, LimitOverride] = field(default_factory=dict)
    k8s: Kubernetes = field(default_factory=Kubernetes)


FLAGS = {
    "address": "address",
    "namespace": "namespace",
    "image": "image",
    "state_url": "stateUrl",
    "call_timeout": "callTimeoutSeconds",
    "call_timeout_seconds": "callTimeoutSeconds",
    "job_timeout_seconds": "jobTimeoutSeconds",
    "sink_outage_seconds": "sinkOutageSeconds",
    "source_outage_seconds": "sourceOutageSeconds",
}
"""Flags of the command line that are fields of the block; `engine` and `parallelism` are not."""


def resolve(
    block: DistributedExecution, *, engine: Engine | None, threads: int | None, forced: int | None
) -> Execution:
    """Decide. `forced` is --parallelism. Raises ConfigError for what does not work yet."""
    launched = None if engine else _launched(block)
    chosen = engine or _engine(block)
    parallelism = forced or _parallelism(block, engine, chosen, threads)
    return Execution(
        engine=chosen,
        mode=_mode(chosen, parallelism),
        parallelism=parallelism,
        orchestrator=block.orchestrator,
        launched=launched,
        address=block.address,
        namespace=block.namespace,
        image=block.image,
        retry=block.retryPolicy,
        requests=block.resourceRequests or Resources(),
        resource_limits=block.resourceLimits or Resources(),
        call_timeout=block.callTimeoutSeconds,
        job_timeout=block.jobTimeoutSeconds,
        sink_outage=block.sinkOutageSeconds,
        source_outage=block.sourceOutageSeconds,
        state_url=block.stateUrl,
        limits=block.limits,
        k8s=block.k8s,
    )


def _engine(block: DistributedExecution) -> Engine:
    return "ray" if block.enabled else "local"


def _launched(block: DistributedExecution) -> Launched | None:
    """Who starts a cluster for it. Raises ConfigError for Airflow, which starts us."""
    if not block.enabled or block.orchestrator == "ray":
        return None
    if block.orchestrator == "airflow":
        raise ConfigError(
            "Airflow starts rayingest, and not the other way round",
            hint="A DAG of rayingest.launch.airflow does; here: orchestrator: ray, kuberay or argo, "
            "or --engine local|ray.",
        )
    return block.orchestrator


def _parallelism(
    block: DistributedExecution, asked: Engine | None, chosen: Engine, threads: int | None
) -> int:
    says = block.parallelism if block.enabled or asked == "ray" else None
    return says or (RAY_PARALLELISM if chosen == "ray" else threads or 1)


def _mode(engine: Engine, parallelism: int) -> ExecutionMode:
    if engine == "ray":
        return ExecutionMode.DISTRIBUTED
    return ExecutionMode.LOCAL if parallelism > 1 else ExecutionMode.SEQUENTIAL
