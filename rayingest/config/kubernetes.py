# ruff: noqa: N815 - the attributes are spelled as in the user's YAML
"""`distributedExecution.k8s`: what a user may say about the Kubernetes objects of a submitted run.

Names, labels and the like are checked by Kubernetes' own rules, so that a mistake is found in the file
and not in a pod: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and .../labels/.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from rayingest.config.connection import ConnectionModel

RAY_VERSION = "2.60.0"
"""The Ray of our image (Dockerfile); the operator must be told which one the image has."""
CONFIG_FOLDER = "/etc/rayingest"
"""Where the config stands in every pod of a run."""

SubmissionMode = Literal["HTTPMode", "K8sJobMode"]
LABEL = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
DNS = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
OURS = ("rayingest.io/", "app.kubernetes.io/", "ray.io/")


def _like(pattern: str, expected: str, longest: int) -> AfterValidator:
    """A validator of texts: the whole of one must be like a pattern."""

    def check(text: str) -> str:
        if len(text) > longest or not re.fullmatch(pattern, text):
            raise ValueError(f"expected {expected}, at most {longest} characters")
        return text

    return AfterValidator(check)


def _key(text: str) -> str:
    """The key of a label or annotation: `name`, or `example.com/name`."""
    prefix, slash, name = text.rpartition("/")
    good = not slash or (len(prefix) <= 253 and re.fullmatch(rf"{DNS}(?:\.{DNS})*", prefix))
    if not good or not re.fullmatch(LABEL, name):
        raise ValueError("expected keys such as team or example.com/team")
    return text


def _own(kind: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text.startswith(OURS):
            raise ValueError(f"{text} is a {kind} that rayingest or Ray's operator sets itself")
        return _key(text)

    return check


Name = Annotated[
    str, _like(rf"{DNS}(?:\.{DNS})*", "a name of lower-case letters, digits, - and .", 253)
]
ShortName = Annotated[str, _like(DNS, "a name of lower-case letters, digits and -", 63)]
Value = Annotated[str, _like(f"(?:{LABEL})?", "a label value (letters, digits, -, _ and .)", 63)]
LabelKey = Annotated[str, AfterValidator(_own("label"))]
AnnotationKey = Annotated[str, AfterValidator(_own("annotation"))]
NodeLabel = Annotated[str, AfterValidator(_key)]


def _mount_path(text: str) -> str:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or ":" in text:
        raise ValueError("expected an absolute path, such as /data")
    config = PurePosixPath(CONFIG_FOLDER)
    if path.is_relative_to(config) or config.is_relative_to(path):
        raise ValueError(f"{CONFIG_FOLDER} is where the config stands; mount this elsewhere")
    return str(path)


class Volume(ConnectionModel):
    """Something that is mounted into head and workers: a claim, a Secret or a ConfigMap."""

    name: ShortName = Field(description="Name of the volume.")
    mountPath: Annotated[str, AfterValidator(_mount_path)] = Field(description="Where it is seen.")
    claimName: Name | None = Field(
        default=None, description="A PersistentVolumeClaim; of several nodes: ReadWriteMany."
    )
    secretName: Name | None = Field(default=None, description="A Secret.")
    configMapName: Name | None = Field(default=None, description="A ConfigMap.")
    readOnly: bool = Field(
        default=False, description="Mount a claim read-only; the others always are."
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        given = (self.claimName, self.secretName, self.configMapName)
        if sum(each is not None for each in given) != 1:
            raise ValueError("expected one of claimName, secretName and configMapName")
        if self.name == "config":
            raise ValueError("the volume 'config' is that of the config itself; take another name")
        return self


class Toleration(ConnectionModel):
    """Let pods run on nodes with a taint."""

    key: NodeLabel | None = Field(default=None, description="Key of the taint; absent: of all.")
    operator: Literal["Exists", "Equal"] = Field(
        default="Equal", description="Whether the value counts."
    )
    value: Value | None = Field(default=None, description="Value of the taint.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; absent: any."
    )
    tolerationSeconds: int | None = Field(default=None, description="How long NoExecute is borne.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("operator: Exists goes without a value")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("a toleration without a key needs operator: Exists")
        if self.tolerationSeconds is not None and self.effect != "NoExecute":
            raise ValueError("tolerationSeconds needs effect: NoExecute")
        return self


def _ray_version(text: str) -> str:
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", text)
    if not found:
        raise ValueError(f"expected a version such as {RAY_VERSION}")
    if tuple(map(int, found.groups())) < (2, 52, 0):
        raise ValueError("expected 2.52.0 or newer: older ones know no token authentication")
    return text


class Kubernetes(ConnectionModel):
    """The objects that `rayingest submit` makes."""

    envFromSecrets: list[Name] = Field(
        default_factory=list, description="Secrets whose keys are the config's `${VARIABLES}`."
    )
    serviceAccount: Name | None = Field(default=None, description="Account of head and workers.")
    labels: dict[LabelKey, Value] = Field(
        default_factory=dict, description="More labels, of the RayJob and its pods."
    )
    annotations: dict[AnnotationKey, str] = Field(
        default_factory=dict, description="More annotations, of the RayJob and its pods."
    )
    nodeSelector: dict[NodeLabel, Value] = Field(
        default_factory=dict, description="Labels of the nodes to run on."
    )
    tolerations: list[Toleration] = Field(
        default_factory=list, description="Taints of nodes that do not matter."
    )
    imagePullSecrets: list[Name] = Field(
        default_factory=list, description="Secrets that the image is pulled with."
    )
    volumes: list[Volume] = Field(
        default_factory=list, description="What is mounted into head and workers."
    )
    backoffLimit: int = Field(
        default=1, ge=0, le=10, description="So many more clusters when one fails."
    )
    activeDeadlineSeconds: int = Field(
        default=4 * 3600, ge=60, description="Longest life of an attempt."
    )
    preRunningDeadlineSeconds: int = Field(
        default=900, ge=60, description="Longest time until an attempt runs (KubeRay 1.7)."
    )
    ttlSecondsAfterFinished: int = Field(
        default=120, ge=0, description="How long the cluster stays when the run has ended."
    )
    minWorkers: int = Field(default=1, ge=1, description="Worker pods that always stay.")
    maxWorkers: int | None = Field(
        default=None, ge=1, description="Most worker pods (as many as parallelism needs)."
    )
    queueName: ShortName | None = Field(
        default=None, description="Kueue's LocalQueue; the cluster then has a fixed size."
    )
    submissionMode: SubmissionMode = Field(
        default="HTTPMode", description="K8sJobMode: a pod follows the log, `--logs-pod`."
    )
    rayVersion: Annotated[str, AfterValidator(_ray_version)] = Field(
        default=RAY_VERSION, description="The Ray in the image."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.maxWorkers is not None and self.minWorkers > self.maxWorkers:
            raise ValueError(
                f"minWorkers {self.minWorkers} is more than maxWorkers {self.maxWorkers}"
            )
        for what in ("name", "mountPath"):
            seen = [getattr(each, what) for each in self.volumes]
            if twice := next((each for each in seen if seen.count(each) > 1), None):
                raise ValueError(f"two volumes have the {what} {twice}")
        return self
