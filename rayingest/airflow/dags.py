"""Two DAGs: a run on Kubernetes around which a cluster is started, and one that is Airflow's own tasks.

Airflow is imported when a DAG is made, by those who have it; all else when a task runs. Made for Airflow 3:
https://airflow.apache.org/docs/apache-airflow/stable/howto/setup-and-teardown.html
"""

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any

from rayingest.airflow.wanted import Wanted, all_placed, placed, shown
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from airflow.sdk import DAG

File = str | PathLike[str]
LOOK_SECONDS = 30.0
RETRIES = 2
"""Of each task: all of them may be done twice."""
GROUP = 100
MOST = 5_000
PARALLELISM = 10


def dag(
    config: File,
    *,
    dag_id: str,
    schedule: Any = None,
    namespace: str | None = None,
    context: str | None = None,
    image: str | None = None,
    state_url: str | None = None,
    overlays: Iterable[File] = (),
    sets: Iterable[str] = (),
    logs_pod: bool = False,
    partial_ok: bool = False,
    allow_untested: bool = False,
    look_seconds: float = LOOK_SECONDS,
    **options: Any,
) -> "DAG":
    """A DAG of three tasks around one RayJob: `submit`, `wait` and `teardown`.

    `submit` creates the RayJob, as `rayingest submit` does; of one DAG run it is always the same one, so
    that a second try finds it. `wait` takes no worker meanwhile: the triggerer looks at the RayJob every
    `look_seconds`. It fails when the run's report says so, or there is none; `partial_ok` lets a partial
    success be one. `teardown` deletes the RayJob, whatever became of it.

    `context` is one of the kubeconfig; the other words are those of `rayingest submit`, and `options` those of
    Airflow's `DAG` (one run at a time, unless `max_active_runs` says otherwise). Raises ConfigError.
    """
    operators, sdk = _operators()
    wanted = Wanted(
        config=placed(config),
        overlays=all_placed(overlays),
        sets=tuple(sets),
        namespace=namespace,
        context=context,
        image=image,
        state_url=state_url,
        logs_pod=logs_pod,
        partial_ok=partial_ok,
        allow_untested=allow_untested,
    )
    with sdk.DAG(dag_id=dag_id, schedule=schedule, **_options(options)) as made:
        submit = operators.Submit(task_id="submit", wanted=wanted)
        wait = operators.Wait(
            task_id="wait", wanted=wanted, run=submit.output, look_seconds=look_seconds
        )
        teardown = operators.Teardown(task_id="teardown", wanted=wanted, run=submit.output)
        submit >> wait >> teardown.as_teardown(setups=submit)
    return made


def dag_without_ray(
    config: File,
    *,
    dag_id: str,
    schedule: Any = None,
    overlays: Iterable[File] = (),
    sets: Iterable[str] = (),
    group: int = GROUP,
    most: int = MOST,
    parallelism: int = PARALLELISM,
    partial_ok: bool = False,
    allow_untested: bool = False,
    **options: Any,
) -> "DAG":
    """A DAG that does the work in Airflow's own tasks: no Ray, no Kubernetes, and only for a small source.

    `containers` writes service, databases and schemas, `discover` lists what there is, and `process`
    is mapped over groups of that. Its limits:

    - The list is one XCom, up to 1 kB for each entity, and each mapped task reads all of it. More than
      `most` entities are refused; Airflow itself refuses more than 1,024 groups (`core.max_map_length`).
    - Each task is a run of its own: there is no report of the whole, limits of the source's calls hold for
      each task alone (`parallelism` at once), and nothing is deleted that has vanished from the source.
    - Workers need the drivers of the source, and the config's `${VARIABLES}` in their environment.
    - The file sink takes one writer: `parallelism=1`, and all tasks on one machine.

    `options` are those of Airflow's `DAG`. Raises ConfigError.
    """
    operators, sdk = _operators()
    wanted = Wanted(
        config=placed(config),
        overlays=all_placed(overlays),
        sets=tuple(sets),
        partial_ok=partial_ok,
        allow_untested=allow_untested,
    )
    with sdk.DAG(dag_id=dag_id, schedule=schedule, **_options(options)) as made:
        containers = operators.Containers(task_id="containers", wanted=wanted)
        discover = operators.Discover(task_id="discover", wanted=wanted, group=group, most=most)
        process = operators.Process.partial(
            task_id="process", wanted=wanted, max_active_tis_per_dagrun=parallelism
        )
        containers >> discover >> process.expand(entities=discover.output)
    return made


def _operators() -> tuple[Any, Any]:
    """The classes of our tasks, and Airflow's SDK. Raises ConfigError."""
    try:
        from airflow import sdk
    except ImportError as error:
        raise shown(
            ConfigError(
                f"A DAG needs Airflow 3, and there is none here: {error}.",
                hint="Airflow is installed by its own instructions; then pip install 'rayingest[k8s]' beside it.",
            )
        ) from None
    from rayingest.airflow import operators

    return operators, sdk


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Those of a DAG, with what we would have where nothing is said."""
    defaults = {"retries": RETRIES, **(given.get("default_args") or {})}
    return {"catchup": False, "max_active_runs": 1, **given, "default_args": defaults}
