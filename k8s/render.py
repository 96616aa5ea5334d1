"""Write the generated files of this folder: `python3 dev.py k8s`. A test compares them.

Everything here but what says so by hand (`config.yaml`, `shop.yaml`) comes from rayingest/launch.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rayingest import __version__
from rayingest.api.submitting import prepare
from rayingest.launch.argo import cron_workflow, workflow_template
from rayingest.launch.argo_groups import groups_template
from rayingest.launch.manifest import manifest
from rayingest.launch.monitoring import dashboard, pod_monitor
from rayingest.launch.network import metrics_policy, network_policy
from rayingest.launch.rayjob import rayjob
from rayingest.launch.rbac import NAMESPACE, rbac
from rayingest.launch.submission import Submission

K8S = Path(__file__).resolve().parent
IMAGE = f"registry.example.com/rayingest:{__version__}"
HEAD = "# Written by `python3 dev.py k8s`.\n"
Json = dict[str, Any]


def submitted(folder: str) -> Submission:
    """The run of a folder's config, decided; its namespace is that of the folder."""
    prepared = prepare(
        K8S / folder / "config.yaml",
        environ={},
        flags={"image": IMAGE},
        run_id="sample",
        name="sample",
        submitted_by="k8s",
    )
    return replace(prepared.run, namespace=NAMESPACE)


def namespace() -> Json:
    """The namespace of the runs, which takes no pods that could break out."""
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": level},
    }


def claim() -> Json:
    """A volume for what is left of runs; on one node, ReadWriteOnce is enough."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "rayingest-state", "namespace": NAMESPACE},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def account(name: str) -> Json:
    """The account of a run's pods: the cloud's annotations belong here, rights in Kubernetes do not."""
    about = {"name": name, "namespace": NAMESPACE}
    made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about}
    return {**made, "automountServiceAccountToken": False}


def kustomization(*resources: str, kind: str = "Kustomization", **more: Any) -> Json:
    """What kustomize makes of a folder."""
    version = "v1alpha1" if kind == "Component" else "v1beta1"
    named = {"resources": list(resources)} if resources else {}
    return {"apiVersion": f"kustomize.config.k8s.io/{version}", "kind": kind, **named, **more}


def named(name: str, **how: Any) -> list[Json]:
    """A generator of a Secret or ConfigMap that keeps its name, for others know it by that."""
    options = {"disableNameSuffixHash": True, **how.pop("options", {})}
    return [{"name": name, **how, "options": options}]


def base() -> Mapping[str, list[Json]]:
    """Rights and network: what every namespace of runs needs, and nothing but Kubernetes itself."""
    return {
        "base/rbac.yaml": rbac(),
        "base/network-policy.yaml": [network_policy()],
        "base/kustomization.yaml": [kustomization("rbac.yaml", "network-policy.yaml")],
    }


def argo(run: Submission) -> Mapping[str, list[Json]]:
    """For clusters with Argo Workflows."""
    files = {
        "run.yaml": workflow_template(run),
        "nightly.yaml": cron_workflow(run.source_label),
        "without-ray.yaml": groups_template(run),
    }
    made = {f"argo/{name}": [document] for name, document in files.items()}
    return {**made, "argo/kustomization.yaml": [kustomization(*files, kind="Component")]}


def monitoring() -> Mapping[str, list[Json]]:
    """For clusters with Prometheus' operator; Grafana finds the dashboard by its label."""
    found = {"labels": {"grafana_dashboard": "1"}}
    maps = named("rayingest-dashboard", files=["dashboard.json"], options=found)
    folder = kustomization(
        "pod-monitor.yaml", "network-policy.yaml", kind="Component", configMapGenerator=maps
    )
    return {
        "monitoring/pod-monitor.yaml": [pod_monitor()],
        "monitoring/network-policy.yaml": [metrics_policy()],
        "monitoring/kustomization.yaml": [folder],
    }


def sample() -> Mapping[str, list[Json]]:
    """One run, without `rayingest submit`."""
    run = submitted("sample")
    secrets = named(run.secret_name, files=["config.yaml"], options={"immutable": True})
    folder = kustomization("rayjob.yaml", namespace=NAMESPACE, secretGenerator=secrets)
    return {"sample/rayjob.yaml": [rayjob(run)], "sample/kustomization.yaml": [folder]}


def kind() -> Mapping[str, list[Json]]:
    """For a laptop: a volume, and a database to read."""
    secrets = named("shop-env", literals=["POSTGRES_PASSWORD=shop"])
    files = {"namespace.yaml": [namespace()], "claim.yaml": [claim()]}
    folder = kustomization(
        "../../base", *files, "shop.yaml", namespace=NAMESPACE, secretGenerator=secrets
    )
    made = {**files, "kustomization.yaml": [folder]}
    return {f"overlays/kind/{name}": each for name, each in made.items()}


def production() -> Mapping[str, list[Json]]:
    """For production: state in object storage, a queue of Kueue, Argo, Prometheus."""
    run = submitted("overlays/production")
    accounts = [account(each) for each in (run.k8s.serviceAccount,) if each]
    files = {"namespace.yaml": [namespace()], "account.yaml": accounts}
    folder = kustomization(
        "../../base",
        *files,
        namespace=NAMESPACE,
        components=["../../argo", "../../monitoring"],
        secretGenerator=named("rayingest-config", files=["config.yaml"]),
        # Lists of objects that kustomize does not know are replaced as a whole.
        patches=[{"path": "run.yaml"}],
    )
    made = {**files, "run.yaml": [workflow_template(run)], "kustomization.yaml": [folder]}
    return {f"overlays/production/{name}": each for name, each in made.items()}


def generated() -> dict[str, str]:
    """All generated files: their paths in this folder, and their texts."""
    parts = (base(), argo(submitted("sample")), monitoring(), sample(), kind(), production())
    texts = {path: HEAD + manifest(made) for part in parts for path, made in part.items()}
    # JSON has no comments; Grafana imports the file as it is.
    return {**texts, "monitoring/dashboard.json": json.dumps(dashboard(), indent=2) + "\n"}


def main() -> None:
    """Write every file that has changed."""
    for name, text in generated().items():
        path = K8S / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"k8s/{name} is written again")


if __name__ == "__main__":
    main()
