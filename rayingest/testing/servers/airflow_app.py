"""Apache Airflow in one process, run by the Python of an environment that has it: see airflow.py.

It is told by lines of JSON on its input what to do with the DAG files of a folder, and answers by lines that
begin with `{"answer":`; between them Airflow logs.
"""

import asyncio
import json
import os
import sys
import traceback
from typing import Any

Json = dict[str, Any]


def parsed(folder: str) -> Json:
    """What Airflow finds in a folder, and what it had to import for that."""
    before = set(sys.modules)
    bag = _bag(folder)
    return {
        "errors": {path: str(each) for path, each in bag.import_errors.items()},
        "dags": {each: _shape(made) for each, made in bag.dags.items()},
        "imported": sorted(set(sys.modules) - before),
    }


def tested(folder: str, dag_id: str) -> Json:
    """One run of a DAG: the state of each task, how often it was tried, and what it handed on."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    run = _bag(folder).dags[dag_id].test()
    with create_session() as session:
        query = session.query(XComModel).filter_by(dag_id=dag_id, run_id=run.run_id)
        handed = {(each.task_id, each.key): each.value for each in query}
    tasks = sorted(run.get_task_instances(), key=lambda each: (each.task_id, each.map_index))
    return {
        "run_id": run.run_id,
        "state": str(run.state.value),
        "tasks": [
            [each.task_id, each.map_index, str(each.state), each.try_number] for each in tasks
        ],
        "handed": [[*key, value] for key, value in handed.items()],
    }


def watched(folder: str, trigger: list[Any], seconds: float, patience: float = 600) -> Json:
    """What a trigger fires that is made from what it was stored as, and how it would be stored again."""
    from importlib import import_module

    path, told = trigger
    module, _, name = path.rpartition(".")
    made = getattr(import_module(module), name)(**told)
    made.patience = patience

    async def first() -> Any:
        return (await anext(made.run())).payload

    try:
        event = asyncio.run(asyncio.wait_for(first(), seconds))
    except TimeoutError:
        event = None
    return {"event": event, "trigger": list(made.serialize())}


def _bag(folder: str) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(folder)


def _bundle(folder: str) -> str:
    """A folder as Airflow is told of it: where `DAG.test` finds the DAGs that it stores."""
    kind = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return json.dumps([{"name": "tests", "classpath": kind, "kwargs": {"path": folder}}])


def _shape(dag: Any) -> Json:
    """What of it decides when its tasks run, which of them are cleared with `wait`, and what is stored of it."""
    from airflow.serialization.serialized_objects import DagSerialization

    asked = {"include_upstream": False, "include_downstream": False}
    cleared = dag.partial_subset({"wait"}, **asked).task_dict if "wait" in dag.task_dict else {}
    return {
        "tasks": {
            each.task_id: {
                "after": sorted(each.upstream_task_ids),
                "setup": each.is_setup,
                "teardown": each.is_teardown,
                "rule": str(each.trigger_rule.value),
                "retries": each.retries,
            }
            for each in dag.tasks
        },
        "cleared": sorted(cleared),
        "stored": json.dumps(DagSerialization.to_dict(dag)),
        "runs": dag.max_active_runs,
        "catchup": dag.catchup,
    }


def main() -> None:
    """Serve until the input ends."""
    from airflow.utils.db import initdb

    initdb()
    _answer({"ready": True})
    ways: dict[str, Any] = {"parse": parsed, "test": tested, "watch": watched}
    for line in sys.stdin:
        told = json.loads(line)
        os.environ.update(told.pop("environ"))
        os.environ["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = _bundle(told["folder"])
        try:
            _answer(ways[told.pop("what")](**told))
        except Exception:  # noqa: BLE001 - whoever asked is told
            _answer({"error": traceback.format_exc()})


def _answer(answer: Json) -> None:
    sys.stdout.write(f"{json.dumps({'answer': answer})}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
