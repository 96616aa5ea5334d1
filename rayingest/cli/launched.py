"""`rayingest status`, `logs`, `stop` and `gc`: runs that were submitted, to Kubernetes or to a Ray cluster."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from rayingest.cli import kubernetes, logs, on_kubernetes, on_ray, options
from rayingest.cli.kubernetes import ContextOption, NamespaceOption
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.launch.kube import Kube

_RUN = typer.Argument(metavar="RUN", help="A run's id, or the name of its RayJob or job.")
RunArgument = Annotated[str, _RUN]
MaybeRunArgument = Annotated[str | None, _RUN]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="URL",
        help="Ask the Ray cluster of this dashboard, http://HOST:8265 (or RAY_API_SERVER_ADDRESS), "
        "not Kubernetes.",
    ),
]
FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")
]


def status(
    run: MaybeRunArgument = None,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    address: AddressOption = None,
    state_url: options.StateUrlOption = None,
    form: options.FormatOption = "text",
    verbose: options.VerboseOption = False,
) -> None:
    """Tell how a submitted run is, or how it ended; without RUN list all of a namespace or Ray cluster."""
    logs.configure(verbose=verbose)
    if url := _ray(address, namespace, context):
        on_ray.status(url, run, state_url=state_url, form=form)
        return
    with _kubernetes(context) as cluster:
        on_kubernetes.status(cluster, run, namespace=namespace, state_url=state_url, form=form)


def log(
    run: RunArgument,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    address: AddressOption = None,
    state_url: options.StateUrlOption = None,
    follow: FollowOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Print the log of a submitted run, from where it runs or from its run directory."""
    logs.configure(verbose=verbose)
    if url := _ray(address, namespace, context):
        on_ray.log(url, run, state_url=state_url, follow=follow)
        return
    with _kubernetes(context) as cluster:
        on_kubernetes.log(cluster, run, namespace=namespace, state_url=state_url, follow=follow)


def stop(
    run: RunArgument,
    *,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    address: AddressOption = None,
    verbose: options.VerboseOption = False,
) -> None:
    """End a submitted run: delete its RayJob and its cluster, or stop its job; what it recorded stays."""
    logs.configure(verbose=verbose)
    if url := _ray(address, namespace, context):
        on_ray.stop(url, run)
        return
    with _kubernetes(context) as cluster:
        on_kubernetes.stop(cluster, run, namespace=namespace)


def gc(
    *,
    older_than: Annotated[
        float,
        typer.Option("--older-than", min=0, metavar="DAYS", help="Keep what is younger than this."),
    ] = 7,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    address: AddressOption = None,
    dry_run: options.DryRunOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Delete what ended runs have left in a namespace: RayJobs, Secrets of configs, reader pods. Of Ray clusters nothing."""
    logs.configure(verbose=verbose)
    if address:  # Ray's own variable does not keep anybody from cleaning a namespace
        _ray(address, namespace, context)
        on_ray.clean(address)
        return
    with kubernetes.connected(context) as cluster:
        on_kubernetes.clean(cluster, namespace=namespace, days=older_than, dry_run=dry_run)


def _ray(address: str | None, namespace: str | None, context: str | None) -> str | None:
    """The dashboard that is asked, or nothing for Kubernetes: a flag outweighs Ray's own variable.

    Raises ConfigError.
    """
    from rayingest.launch.token import ADDRESS

    theirs = {"--namespace": namespace, "--context": context}
    given = [name for name, value in theirs.items() if value]
    if address and given:
        raise ConfigError(
            f"{', '.join(given)}: a Ray cluster (--address) has no use for it.",
            hint="Leave it out, or --address, which is for runs that were submitted with --mode ray-job.",
        )
    return address if address or given else os.environ.get(ADDRESS)


def _kubernetes(context: str | None) -> "Kube":
    """The cluster of the kubeconfig. Raises ConfigError, which names the other way, too."""
    from rayingest.launch.token import ADDRESS

    try:
        return kubernetes.connected(context)
    except ConfigError as error:
        other = f"For runs on a Ray cluster: --address http://HOST:8265, or {ADDRESS}."
        error.hint = f"{error.hint.rstrip('.')}. {other}" if error.hint else other
        raise
