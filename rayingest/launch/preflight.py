"""What must be so before anything is created: each thing that is missing, and what mends it.

The last question is the creation itself, as a dry run: it meets what only the API server knows, such as
namespaces, quotas of objects, admission and the fields of an older operator.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rayingest.errors import AlreadyThere, ClusterError, NotAllowed, NotThere
from rayingest.launch.cluster import KINDS, RAY_JOBS, SECRETS, WORKFLOWS, Cluster, Json, Kind, Verb

ALL: Sequence[Verb] = ("create", "get", "list", "watch", "delete")
LOOKING: Sequence[Verb] = ("get", "list", "watch")
RIGHTS: Mapping[Kind, Mapping[Kind, Sequence[Verb]]] = {
    RAY_JOBS: {RAY_JOBS: ALL, SECRETS: ("create", "delete")},
    WORKFLOWS: {WORKFLOWS: ALL, RAY_JOBS: LOOKING, SECRETS: ("create", "delete")},
}
"""What an account must be allowed, by what it creates: around a RayJob of Argo's it only looks."""
ARGO = (
    "kubectl create namespace argo && kubectl apply -n argo --server-side "
    "-f https://github.com/argoproj/argo-workflows/releases/download/v4.1.2/install.yaml"
)
SINCE_17 = "preRunningDeadlineSeconds"
INSTALL = (
    "helm install kuberay-operator kuberay-operator --version 1.7.0 --create-namespace "
    "--namespace kuberay-system --repo https://ray-project.github.io/kuberay-helm/"
)


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing, and what mends it."""

    what: str
    hint: str

    def __str__(self) -> str:
        """Both, in a line."""
        return f"{self.what} → {self.hint}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a RayJob may be created: what is missing, what to know, and the RayJob as the cluster takes it."""

    job: Json
    missing: tuple[Missing, ...] = ()
    warnings: tuple[str, ...] = ()


def asked(cluster: Cluster, job: Json, secrets: Sequence[str], variables: Sequence[str]) -> Answer:
    """Ask all that can be asked about a RayJob, or a Workflow. Raises ClusterError when nobody answers.

    `secrets` are those that the pods' environment comes from, `variables` the keys that they must have.
    """
    namespace = job["metadata"].get("namespace")
    kind = KINDS[job["kind"]]
    if missing := tuple(_unserved(cluster, kind)):
        return Answer(job, missing)
    lacking = _lacking(cluster, namespace, RIGHTS[kind])
    found = [
        *_rights(lacking, RIGHTS[kind], namespace or cluster.namespace),
        *_secrets(cluster, namespace, secrets, variables),
    ]
    if "create" in lacking[kind]:
        return Answer(job, tuple(found))
    tried = _tried(cluster, job, namespace)
    return Answer(tried.job, (*found, *tried.missing), tried.warnings)


def _unserved(cluster: Cluster, kind: Kind) -> Iterator[Missing]:
    """Whether KubeRay is there, in a version that we speak, and Argo where it is wanted."""
    if RAY_JOBS.plural not in cluster.served(RAY_JOBS.api):
        if versions := cluster.versions(RAY_JOBS.group):
            yield Missing(
                f"The cluster serves {RAY_JOBS.group} as {', '.join(versions)}, and not as v1 with RayJobs.",
                f"KubeRay 1.5 or newer: {INSTALL}",
            )
        else:
            yield Missing("KubeRay is not installed: the cluster knows no RayJobs.", INSTALL)
    if kind is WORKFLOWS and kind.plural not in cluster.served(kind.api):
        yield Missing("Argo Workflows is not installed: the cluster knows no Workflows.", ARGO)


Rights = Mapping[Kind, Sequence[Verb]]


def _lacking(cluster: Cluster, namespace: str | None, rights: Rights) -> Rights:
    """The rights that the account does not have."""
    return {
        kind: [verb for verb in verbs if not cluster.may(verb, kind, namespace)]
        for kind, verbs in rights.items()
    }


def _rights(lacking: Rights, rights: Rights, where: str) -> Iterator[Missing]:
    for kind, verbs in lacking.items():
        if verbs:
            resource = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
            yield Missing(
                f"The account may not {', '.join(verbs)} {kind.plural} in namespace {where}.",
                f"kubectl -n {where} create role rayingest-{kind.plural} "
                f"--verb={','.join(rights[kind])} --resource={resource}, and a rolebinding for the account",
            )


def _secrets(
    cluster: Cluster, namespace: str | None, names: Sequence[str], variables: Sequence[str]
) -> Iterator[Missing]:
    """Whether the pods' environment is there, as far as the account may see: it needs no right to."""
    where = namespace or cluster.namespace
    keys: set[str] = set()
    for name in names:
        try:
            secret = cluster.get(SECRETS, name, namespace)
        except NotAllowed:
            return
        except NotThere:
            yield Missing(
                f"There is no Secret {name} in namespace {where}, and no pod would start without it.",
                f"kubectl -n {where} create secret generic {name} --from-env-file=FILE",
            )
            return
        keys |= set(secret.get("data") or {})
    if lacking := [each for each in variables if names and each not in keys]:
        yield Missing(
            f"The config reads {', '.join(lacking)}, which no Secret of envFromSecrets has "
            f"({', '.join(names)}).",
            f"kubectl -n {where} edit secret {names[-1]}",
        )


def _tried(cluster: Cluster, job: Json, namespace: str | None) -> Answer:
    """The creation, as a dry run; without the one field that only KubeRay 1.7 knows, if it must be."""
    where = namespace or cluster.namespace
    try:
        cluster.create(job, namespace, dry_run=True)
    except AlreadyThere:
        pass  # what is there may be this run's
    except NotThere:
        return Answer(
            job, (Missing(f"There is no namespace {where}.", f"kubectl create namespace {where}"),)
        )
    except NotAllowed as error:
        hint = "An admission rule or a quota is in the way: `kubectl describe quota`, the cluster's owners."
        return Answer(job, (Missing(f"{job['kind']}s are not let in: {error}", hint),))
    except ClusterError as error:
        unknown = set(re.findall(r'unknown field "spec\.([\w.]+)"', str(error)))
        if unknown != {SINCE_17} or SINCE_17 not in job["spec"]:
            return Answer(job, (_refused(str(error), unknown),))
        older = copy.deepcopy(job)
        del older["spec"][SINCE_17]
        tried = _tried(cluster, older, namespace)
        told = f"This KubeRay is older than 1.7: {SINCE_17} is left out."
        return Answer(tried.job, tried.missing, (told, *tried.warnings))
    return Answer(job)


def _refused(said: str, unknown: set[str]) -> Missing:
    if unknown:
        return Missing(
            f"This KubeRay does not know {', '.join(sorted(unknown))}.",
            f"KubeRay 1.5 or newer: {INSTALL.replace('install', 'upgrade', 1)}",
        )
    return Missing(f"{said}", "rayingest submit --dry-run client shows what was sent.")
