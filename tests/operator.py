"""KubeRay's operator, as far as a run can tell: it takes the config out of the Secret and runs the entrypoint."""

import base64
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rayingest.testing.kubernetes import Kubernetes

Json = dict[str, Any]
DONE = {"jobStatus": "SUCCEEDED", "jobDeploymentStatus": "Complete", "rayClusterName": "c"}
FAILED = {"jobStatus": "FAILED", "jobDeploymentStatus": "Failed", "reason": "AppFailed"}


class Operator:
    """Runs what it is given; `kills` so many attempts as soon as they have begun."""

    def __init__(self, world: Kubernetes, folder: Path, *, kills: int = 0) -> None:
        self.world, self.folder, self.kills = world, folder, kills
        self.attempts = 0

    def __call__(self, job: Json) -> Iterator[Json]:
        config = self._config(job)
        while True:
            self.attempts += 1
            cluster = {"rayClusterName": f"c{self.attempts}", "failed": self.attempts - 1}
            yield {"jobDeploymentStatus": "Initializing", **cluster}
            yield {"jobStatus": "RUNNING", "jobDeploymentStatus": "Running", **cluster}
            code, said = self._run(job, config)
            if code == 0:
                yield {**DONE, **cluster}
                return
            failed = {"reason": "AppFailed", "message": said, "failed": self.attempts}
            if self.attempts > job["spec"]["backoffLimit"]:
                yield {**FAILED, **failed}
                return
            yield {"jobStatus": "FAILED", "jobDeploymentStatus": "Retrying", **failed}
            yield {"failed": self.attempts}

    def _config(self, job: Json) -> Path:
        name = job["metadata"]["name"]
        key = ("secrets", job["metadata"]["namespace"], f"{name}-config")
        with self.world.changed:
            assert self.world.changed.wait_for(lambda: key in self.world.objects, 10)
            text = self.world.objects[key]["stringData"]["config.yaml"]
        path = self.folder / f"{name}.yaml"
        path.write_text(self._mounted(job, text), "utf-8")
        return path

    def _mounted(self, job: Json, text: str) -> str:
        """The kubelet: Secrets that are mounted are files, here below our folder."""
        pod = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
        volumes = {e["name"]: e["secret"]["secretName"] for e in pod["volumes"] if "secret" in e}
        for each in pod["containers"][0]["volumeMounts"]:
            kept = ("secrets", job["metadata"]["namespace"], volumes.get(each["name"], ""))
            if each["name"] != "config" and kept in self.world.objects:
                place = self.folder / f"mounted{each['mountPath']}"
                place.mkdir(parents=True, exist_ok=True)
                for file, data in self.world.objects[kept].get("data", {}).items():
                    (place / file).write_bytes(base64.b64decode(data))
                text = text.replace(f"{each['mountPath']}/", f"{place}/")
        return text

    def _run(self, job: Json, config: Path) -> tuple[int, str]:
        command = job["spec"]["entrypoint"].replace("/etc/rayingest/config.yaml", str(config))
        command = command.replace("--engine ray --address auto", "--engine local")
        head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
        environ = {each["name"]: each["value"] for each in head["env"]}
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environ, "XDG_STATE_HOME": str(self.folder / "pod")},
        )
        if self.kills:
            self.kills -= 1
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        if job["spec"]["submissionMode"] == "K8sJobMode":
            self._follow(job, said)
        tail = f"Job entrypoint command failed with exit code {process.returncode}, last available logs:\n"
        return process.returncode, tail + said[-20_000:]

    def _follow(self, job: Json, said: str) -> None:
        """The pod that follows the log."""
        name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
        head = {"name": f"{name}-log", "labels": {"job-name": name}}
        self.world.logs[head["name"]] = said.splitlines()  # type: ignore[index]
        self.world.put("pods", {"metadata": head}, namespace)
