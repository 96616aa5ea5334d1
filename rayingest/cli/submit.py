"""`rayingest submit`: the same run on Kubernetes, as a RayJob, or on a Ray cluster that is there."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from rayingest.cli import kubernetes, loading, options, output, ray_job
from rayingest.cli.exits import Exit
from rayingest.cli.kubernetes import ContextOption, NamespaceOption, OnInterruptOption
from rayingest.cli.values import plural
from rayingest.cli.waiting import Waiting

if TYPE_CHECKING:
    from rayingest.api.submitting import Mode, NotReady, Prepared
    from rayingest.launch.kube import Kube

Texts = Iterable[str] | None
Flags = Mapping[str, object]
ModeOption = Annotated[
    Literal["rayjob", "argo", "ray-job"] | None,
    typer.Option(
        "--mode",
        help="rayjob: KubeRay's RayJob; argo: a Workflow of Argo around one (orchestrator); "
        "ray-job: a job of a Ray cluster that is there.",
    ),
]
ImageOption = Annotated[
    str | None, typer.Option("--image", metavar="IMAGE", help="Image with rayingest and Ray.")
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Name of the job (made when absent)."),
]
ManifestOption = Annotated[
    str | None,
    typer.Option("--manifest", metavar="FILE", help="Write the objects; - is standard output."),
]
DryRunOption = Annotated[
    Literal["client", "server"] | None,
    typer.Option(
        "--dry-run",
        help="client: print the objects, and ask no cluster; server: ask it, and create nothing.",
    ),
]
LogsPodOption = Annotated[
    bool, typer.Option("--logs-pod", help="Let a pod follow the log (submissionMode K8sJobMode).")
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait for its end, and leave with the run's exit code.")
]
FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Wait, and show the run's log meanwhile.")
]


def submit(
    config: options.ConfigArgument = None,
    *,
    config_option: options.ConfigOption = None,
    mode: ModeOption = None,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    address: ray_job.AddressOption = None,
    image: ImageOption = None,
    name: NameOption = None,
    wait: WaitOption = False,
    follow: FollowOption = False,
    on_interrupt: OnInterruptOption = None,
    manifest: ManifestOption = None,
    dry_run: DryRunOption = None,
    logs_pod: LogsPodOption = False,
    parallelism: options.ParallelismOption = None,
    run_id: options.RunIdOption = None,
    state_url: options.StateUrlOption = None,
    allow_untested: options.AllowUntestedOption = False,
    partial_ok: options.PartialOkOption = False,
    sets: options.SetOption = None,
    overlays: options.OverlayOption = None,
    report_json: options.ReportOption = None,
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Run a config on Kubernetes, with a cluster of its own (removed at the end), or on a Ray that is there."""
    from rayingest.cli import logs, outcome

    logs.configure(verbose=verbose, quiet=quiet)
    kubernetes.refuse_inside()
    outcome.check_target(report_json, stdout_taken=dry_run == "client" or manifest == "-")
    flags = {
        "parallelism": parallelism,
        "state_url": state_url,
        "namespace": namespace,
        "image": image,
    }
    waiting = Waiting(
        wait=wait or follow,
        follow=follow,
        on_interrupt=on_interrupt,
        partial_ok=partial_ok,
        report_json=report_json,
        quiet=quiet,
    )
    source = loading.which(config, config_option)
    objects = {"--manifest": manifest, "--dry-run": dry_run, "--logs-pod": logs_pod}
    others = {**objects, "--namespace": namespace, "--context": context, "--image": image}
    ray_job.refuse_others(mode or "rayjob", ours={"--address": address}, others=others)
    if mode == "ray-job":
        ray_job.submit(
            source,
            waiting,
            address=address,
            overlays=loading.filled(overlays),
            sets=loading.filled(sets),
            flags=given(flags),
            run_id=run_id,
            name=name,
            allow_untested=allow_untested,
        )
        return
    prepared = prepared_of(
        source,
        sets=sets,
        overlays=overlays,
        flags=flags,
        run_id=run_id,
        name=name,
        logs_pod=logs_pod,
        allow_untested=allow_untested,
        mode=mode,
    )
    if manifest is not None or dry_run == "client":
        _write(prepared, manifest)
        return
    with kubernetes.connected(context) as cluster:
        if dry_run == "server":
            _tried(prepared, cluster)
        else:
            put(prepared, cluster, waiting)


def prepared_of(
    source: str,
    *,
    sets: Texts,
    overlays: Texts,
    flags: Flags,
    run_id: str | None,
    name: str | None = None,
    logs_pod: bool = False,
    allow_untested: bool = False,
    mode: "Mode | None" = None,
) -> "Prepared":
    """The objects of a run, made; its warnings are told. Raises ConfigError, ConfigErrors."""
    from rayingest.api import submitting
    from rayingest.cli import logs, secrecy

    prepared = submitting.prepare(
        source,
        overlays=loading.filled(overlays),
        sets=loading.filled(sets),
        flags=given(flags),
        run_id=run_id,
        name=name,
        logs_pod=logs_pod,
        allow_untested=allow_untested,
        mode=mode,
    )
    secrecy.remember(prepared.job.config.tree, dict(prepared.job.config.variables))
    for each in prepared.warnings:
        logs.warning(each)
    run = prepared.run
    logs.info(
        f"Run {run.run_id} is {prepared.made['kind']} {run.name}, {plural(run.workers.most, 'worker')} at most."
    )
    return prepared


def given(flags: Flags) -> dict[str, object]:
    """The flags that were."""
    return {key: value for key, value in flags.items() if value is not None}


def put(prepared: "Prepared", cluster: "Kube", waiting: Waiting) -> None:
    """Create the objects, and wait when that is wanted. Leaves with an exit code then."""
    from rayingest.api import submitting
    from rayingest.cli import logs

    try:
        started = submitting.start(prepared, cluster)
    except submitting.NotReady as error:
        _not_ready(error, cluster)
    for each in started.warnings:
        logs.warning(each)
    run = started.run
    done = "was created" if started.new else "is under way already"
    logs.info(
        f"{run.owner.kind.name} {run.name} {done} in namespace {run.namespace} of {cluster.address}"
    )
    if not waiting.wait:
        kubernetes.lines(run)
        return
    execution = prepared.job.config.execution
    ended = kubernetes.wait(
        cluster,
        run,
        follow=waiting.follow,
        on_interrupt=waiting.on_interrupt,
        state_url=None if run.state_url else execution.state_url,
    )
    kubernetes.finish(
        run,
        ended,
        partial_ok=waiting.partial_ok,
        report_json=waiting.report_json,
        quiet=waiting.quiet,
    )


def _write(prepared: "Prepared", manifest: str | None) -> None:
    """Write the objects, and say how kubectl creates them."""
    from rayingest.cli import logs

    with output.opened(manifest) as write:
        write(prepared.text.encode())
    run = prepared.run
    place = f" -n {run.namespace}" if run.namespace else ""
    if manifest not in (None, "-"):
        logs.info(f"Start it:  kubectl{place} create --validate=strict -f {manifest}")
        kind = prepared.made["kind"].lower()
        logs.info(f"Watch it:  kubectl{place} get {kind} {run.name} --watch")
        logs.info(
            f"Remove it: kubectl{place} delete {kind},secret -l rayingest.io/run-id={run.run_id}"
        )


def _tried(prepared: "Prepared", cluster: "Kube") -> None:
    from rayingest.api import submitting
    from rayingest.cli import logs

    try:
        _, warnings = submitting.asked(prepared, cluster)
    except submitting.NotReady as error:
        _not_ready(error, cluster)
    for each in warnings:
        logs.warning(each)
    logs.info(f"The cluster {cluster.address} would take it. Nothing was created.")


def _not_ready(error: "NotReady", cluster: "Kube") -> NoReturn:
    """All that is missing, each with what mends it."""
    from rayingest.cli import logs

    for each in error.missing:
        logs.error(each.what, each.hint)
    logs.error(f"Nothing was created in {cluster.address}.")
    raise typer.Exit(Exit.CONFIG)
