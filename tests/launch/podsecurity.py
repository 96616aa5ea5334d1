"""Pod Security `restricted`, as far as a pod of ours could break it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from collections.abc import Iterator
from typing import Any

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"}
VOLUMES |= {"projected", "secret"}


def breaches(spec: dict[str, Any]) -> Iterator[str]:
    """Why a namespace that enforces `restricted` would refuse a pod."""
    pod = spec.get("securityContext", {})
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield key
    for each in spec.get("volumes", []):
        if not (set(each) - {"name"}) <= VOLUMES:
            yield f"volume {each['name']}"
    for each in (*spec["containers"], *spec.get("initContainers", [])):
        yield from container(each.get("securityContext", {}), pod, each["name"])


def container(own: dict[str, Any], pod: dict[str, Any], name: str) -> Iterator[str]:
    """The same for one container; what it does not say its pod says."""
    both = {**pod, **own}
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation"
    if "ALL" not in own.get("capabilities", {}).get("drop", []):
        yield f"{name}: capabilities"
    if own.get("capabilities", {}).get("add") or own.get("privileged"):
        yield f"{name}: privileges"
    if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
        yield f"{name}: runAsNonRoot"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield f"{name}: seccompProfile"
