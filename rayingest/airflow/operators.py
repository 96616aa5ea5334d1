"""The tasks, as Airflow has them: thin, for what they do is in `submitted` and `groups`."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from rayingest.airflow.quiet import quieten
from rayingest.airflow.verdicts import RunFailed
from rayingest.airflow.wanted import Wanted
from rayingest.errors import ConfigError, RayingestError

Json = dict[str, Any]


class Submit(BaseOperator):  # type: ignore[misc]  # who checks types need not have Airflow
    """Create the RayJob of this DAG run, or find it; gives its names."""

    def __init__(self, *, wanted: Wanted, **options: Any) -> None:
        super().__init__(**options)
        self.wanted = wanted

    def execute(self, context: Any) -> Json:
        """Airflow's: do it."""
        from rayingest.airflow import submitted

        with _told():
            return submitted.create(self.wanted, submitted.run_id(*_run(context)))


class Wait(BaseOperator):  # type: ignore[misc]
    """Wait for the end of a RayJob without a worker, and fail as its run has failed."""

    template_fields = ("run",)

    def __init__(self, *, wanted: Wanted, run: Any, look_seconds: float, **options: Any) -> None:
        super().__init__(**options)
        self.wanted = wanted
        self.run = run
        self.look_seconds = look_seconds

    def execute(self, context: Any) -> None:
        """Airflow's: the triggerer goes on from here."""
        from rayingest.airflow.trigger import Ended

        names = {each: self.run[each] for each in ("name", "namespace")}
        trigger = Ended(**names, context=self.wanted.context, look_seconds=self.look_seconds)
        self.defer(trigger=trigger, method_name="ended")

    def ended(self, context: Any, event: Json) -> None:
        """It is over: what does its report say?"""
        from rayingest.airflow import submitted

        with _told():
            self.log.info("%s", submitted.verdict(self.wanted, self.run, event["why"]))


class Teardown(BaseOperator):  # type: ignore[misc]
    """Delete the RayJob, and with it its cluster; one that has gone is fine."""

    template_fields = ("run",)

    def __init__(self, *, wanted: Wanted, run: Any, **options: Any) -> None:
        super().__init__(**options)
        self.wanted = wanted
        self.run = run

    def execute(self, context: Any) -> None:
        """Airflow's: do it."""
        from rayingest.airflow import submitted

        with _told():
            submitted.delete(self.wanted, self.run)


class Containers(BaseOperator):  # type: ignore[misc]
    """Write service, databases and schemas: what the others are put into."""

    def __init__(self, *, wanted: Wanted, **options: Any) -> None:
        super().__init__(**options)
        self.wanted = wanted

    def execute(self, context: Any) -> None:
        """Airflow's: do it."""
        from rayingest.airflow import groups

        with _told():
            self.log.info("%s", groups.containers(self.wanted, _attempt(context)))


class Discover(BaseOperator):  # type: ignore[misc]
    """List the entities of the source, in groups."""

    def __init__(self, *, wanted: Wanted, group: int, most: int, **options: Any) -> None:
        super().__init__(**options)
        self.wanted = wanted
        self.group = group
        self.most = most

    def execute(self, context: Any) -> list[list[Json]]:
        """Airflow's: do it."""
        from rayingest.airflow import groups

        with _told():
            return groups.discovered(self.wanted, self.group, self.most)


class Process(BaseOperator):  # type: ignore[misc]
    """Describe and write one group. It is no template: names of tables may look like one."""

    def __init__(self, *, wanted: Wanted, entities: Any, **options: Any) -> None:
        super().__init__(**options)
        self.wanted = wanted
        self.entities = entities

    def execute(self, context: Any) -> None:
        """Airflow's: do it."""
        from rayingest.airflow import groups

        with _told():
            text = groups.processed(self.wanted, self.entities, _attempt(context))
            self.log.info("%s", text)


def _run(context: Any) -> tuple[str, str]:
    run = context["dag_run"]
    return run.dag_id, run.run_id


def _attempt(context: Any) -> str:
    """The id of a run that belongs to one try of one task: what processes groups is never gone on with."""
    from rayingest.airflow import submitted

    task = context["ti"]
    index = "" if task.map_index is None or task.map_index < 0 else f"-{task.map_index}"
    return f"{submitted.run_id(*_run(context))}-{task.task_id}{index}-{task.try_number}"


@contextmanager
def _told() -> Generator[None]:
    """Our errors, with their next step; those that a second try cannot mend are not tried again."""
    quieten()
    try:
        yield
    except (ConfigError, RunFailed) as error:
        raise AirflowFailException(_text(error)) from None
    except RayingestError as error:
        raise AirflowException(_text(error)) from error


def _text(error: RayingestError) -> str:
    return f"{error} → {error.hint}" if error.hint else f"{error}"
