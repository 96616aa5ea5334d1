"""`rayingest submit`: the same run on Kubernetes, as a RayJob."""

from typing import Annotated, Literal

import typer

from rayingest.cli import loading, options, output, values
from rayingest.cli.run import AllowUntestedOption
from rayingest.errors import ConfigError

ModeOption = Annotated[
    Literal["rayjob"], typer.Option("--mode", help="As what: rayjob, KubeRay's RayJob.")
]
NamespaceOption = Annotated[
    str | None,
    typer.Option("--namespace", "-n", metavar="NAME", help="Namespace of the objects."),
]
ImageOption = Annotated[
    str | None, typer.Option("--image", metavar="IMAGE", help="Image with rayingest and Ray.")
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Name of the RayJob (made when absent)."),
]
ManifestOption = Annotated[
    str | None,
    typer.Option("--manifest", metavar="FILE", help="Write the objects; - is standard output."),
]
ClientOption = Annotated[
    Literal["client"] | None,
    typer.Option("--dry-run", help="client: print the objects, and ask no cluster."),
]
LogsPodOption = Annotated[
    bool, typer.Option("--logs-pod", help="Let a pod follow the log (submissionMode K8sJobMode).")
]


def submit(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    mode: ModeOption = "rayjob",
    namespace: NamespaceOption = None,
    image: ImageOption = None,
    name: NameOption = None,
    manifest: ManifestOption = None,
    dry_run: ClientOption = None,
    logs_pod: LogsPodOption = False,
    parallelism: options.ParallelismOption = None,
    run_id: options.RunIdOption = None,
    state_url: options.StateUrlOption = None,
    allow_untested: AllowUntestedOption = False,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Write the Kubernetes objects of a run: a RayJob, and the Secret with its config."""
    from rayingest.api import submitting
    from rayingest.cli import logs, secrecy

    logs.configure(verbose=verbose, quiet=quiet)
    source = loading.which(config, config_option)
    if manifest is None and dry_run is None:
        raise ConfigError(
            "submit creates nothing in a cluster yet; it writes the objects.",
            hint=f"rayingest submit {source} --manifest run.yaml && kubectl create --validate=strict -f run.yaml",
        )
    flags = {
        "parallelism": parallelism,
        "state_url": state_url,
        "namespace": namespace,
        "image": image,
    }
    prepared = submitting.prepare(
        source,
        overlays=loading.filled(overlays),
        sets=loading.filled(sets),
        flags={key: value for key, value in flags.items() if value is not None},
        run_id=run_id,
        name=name,
        logs_pod=logs_pod,
        allow_untested=allow_untested,
    )
    chosen = prepared.job.config
    secrecy.remember(chosen.tree, dict(chosen.variables))
    with output.opened(manifest) as write:
        write(prepared.text.encode())
    for each in prepared.warnings:
        logs.warning(each)
    run = prepared.run
    most = values.plural(run.workers.most, "worker")
    place = f" -n {run.namespace}" if run.namespace else ""
    logs.info(f"Run {run.run_id} is RayJob {run.name}, {most} at most.")
    if manifest not in (None, "-"):
        logs.info(f"Start it:  kubectl{place} create --validate=strict -f {manifest}")
        logs.info(f"Watch it:  kubectl{place} get rayjob {run.name} --watch")
        logs.info(
            f"Remove it: kubectl{place} delete rayjob,secret -l rayingest.io/run-id={run.run_id}"
        )
