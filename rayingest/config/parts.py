"""The parts of a config whose shape hangs on another key: connection, options, sink, execution."""

from collections.abc import Mapping

from pydantic import BaseModel

from rayingest.config.draft import Draft
from rayingest.config.execution import DistributedExecution, Engine, Execution, resolve
from rayingest.config.models import Workflow
from rayingest.config.options import DEFAULT_TYPE, ELSEWHERE, OPTIONS, Options
from rayingest.config.problems import (
    CONNECTION,
    OPTIONS_PATH,
    SERVER,
    SERVICE_CONNECTION,
    SINK,
    SINK_CONFIG,
    KeyPath,
    Mark,
    Problem,
    did_you_mean,
)
from rayingest.config.sinks import SINKS
from rayingest.core import registry
from rayingest.core.filters import Pattern
from rayingest.core.source import Connector
from rayingest.errors import ConfigError

TYPE: KeyPath = ("source", "type")
ORCHESTRATOR: KeyPath = ("workflowConfig", "distributedExecution", "orchestrator")
ENGINES: dict[object, Engine] = {"local": "local", "ray": "ray"}


def connector_name(source_type: str) -> str:
    """`Postgres` -> `postgres`; the connector of another workflow has its name behind: `postgres-lineage`."""
    return source_type.lower()


def connector(draft: Draft) -> Connector | None:
    """The connector that source.type names."""
    kind = draft.get(TYPE)
    if not isinstance(kind, str):
        return None
    name = connector_name(kind).removesuffix("-usage")
    if name != connector_name(kind):
        draft.problem(TYPE, f"{kind!r}: usage is not read yet", f"Today: {name}.")
        return None
    try:
        return registry.load(connector_name(kind))
    except ConfigError as error:
        draft.problem(TYPE, str(error), error.hint)
        return None


def connection(draft: Draft, found: Connector | None) -> BaseModel | None:
    """The connection, by the model of its connector."""
    return draft.read(CONNECTION, found.connection) if found else None


def options(draft: Draft, found: Connector | None) -> Options | None:
    """What the workflow is to do, by the model of its type."""
    written = draft.get(OPTIONS_PATH)
    kind = written.get("type") if isinstance(written, dict) else None
    own = DEFAULT_TYPE.get(found.family) if found else None
    if kind is None:
        kind = own
    if isinstance(kind, str) and kind in OPTIONS and kind != (own or kind):
        draft.problem((*OPTIONS_PATH, "type"), *_of_another(kind, own, draft.get(TYPE)))
        return None
    if isinstance(kind, str) and kind in OPTIONS:
        _check_patterns(draft)
        return _options(draft, OPTIONS[kind])
    if kind is not None or found:
        draft.problem((*OPTIONS_PATH, "type"), *_no_such_workflow(kind))
    return None


def _options(draft: Draft, model: type[Options]) -> Options | None:
    return model() if draft.get(OPTIONS_PATH) is None else draft.read(OPTIONS_PATH, model)


def _of_another(kind: str, own: object, source: object) -> tuple[str, str]:
    said = f"{kind!r} is no workflow of source.type {source!r}, which has {own!r}"
    if kind == "DatabaseLineage":
        return said, f"Write source.type: {source}-lineage."
    return said, f"Write {own}."


def _no_such_workflow(kind: object) -> tuple[str, str]:
    today = f"Today: {', '.join(OPTIONS)}."
    if not isinstance(kind, str):
        return "expected the name of a workflow", today
    if kind in ELSEWHERE:
        return f"the workflow {kind!r} is not run yet", today
    return f"there is no workflow of this type.{did_you_mean(kind, [*OPTIONS, *ELSEWHERE])}", today


def _check_patterns(draft: Draft) -> None:
    for key, pattern in draft.get(OPTIONS_PATH).items() if draft.get(OPTIONS_PATH) else ():
        if key.endswith("FilterPattern") and isinstance(pattern, dict):
            for side in ("includes", "excludes"):
                _check_expressions(draft, (*OPTIONS_PATH, key, side))


def _check_expressions(draft: Draft, path: KeyPath) -> None:
    expressions = draft.get(path)
    for index, each in enumerate(expressions if isinstance(expressions, list) else ()):
        try:
            Pattern("", (each,) if isinstance(each, str) else ())
        except ConfigError as error:
            draft.problem((*path, index), str(error).removeprefix(": "), error.hint)


def sink(draft: Draft) -> tuple[str, BaseModel] | None:
    """The sink's type and settings."""
    kind = draft.get((*SINK, "type"))
    kind = next(iter(SINKS)) if kind is None else kind
    if not isinstance(kind, str):
        return None
    if kind in SINKS:
        return _sink(draft, kind)
    message = f"there is no sink {kind!r}.{did_you_mean(kind, list(SINKS))}"
    draft.problem((*SINK, "type"), message, f"There are: {', '.join(SINKS)}.")
    return None


def _sink(draft: Draft, kind: str) -> tuple[str, BaseModel] | None:
    empty = draft.get(SINK_CONFIG) is None
    settings = draft.read(SINK_CONFIG, SINKS[kind]) if not empty else None
    if empty:
        try:
            settings = SINKS[kind]()
        except ValueError:
            draft.problem(SINK_CONFIG, f"the sink {kind!r} needs its config")
    return (kind, settings) if settings else None


def check_server(draft: Draft, workflow: Workflow, sink_type: str) -> None:
    """The catalogue must be named when something is written to it or read from it."""
    if workflow.workflowConfig.openMetadataServerConfig:
        return
    if sink_type == "metadata-rest":
        hint = "The sink metadata-rest writes there; the sinks file and sql need no server."
        draft.problem(SERVER, "is missing", hint)
    elif workflow.source.serviceConnection is None:
        hint = "Write it down, or name the server that knows it: openMetadataServerConfig."
        draft.problem(SERVICE_CONNECTION, "is missing", hint)


def execution(
    draft: Draft, workflow: Workflow | None, found: Options | None, flags: Mapping[str, object]
) -> Execution | None:
    """Where the run takes place."""
    engine, forced = _engine(draft, flags.get("engine")), _forced(draft, flags.get("parallelism"))
    if workflow is None:
        return None
    block = workflow.workflowConfig.distributedExecution or DistributedExecution()
    given = found is not None and "threads" in found.model_fields_set
    threads = getattr(found, "threads", None) if given else None
    try:
        return resolve(block, engine=engine, threads=threads, forced=forced)
    except ConfigError as error:
        draft.problem(ORCHESTRATOR, str(error), error.hint)
        return None


def _engine(draft: Draft, asked: object) -> Engine | None:
    if asked is not None and asked not in ENGINES:
        message = f"expected local or ray.{did_you_mean(str(asked), ['local', 'ray'])}"
        draft.problems.append(Problem(Mark("--engine"), "", message))
    return ENGINES.get(asked)


def _forced(draft: Draft, asked: object) -> int | None:
    if asked is None:
        return None
    if not str(asked).isdecimal() or int(str(asked)) < 1:
        message = "expected a whole number, 1 or more"
        draft.problems.append(Problem(Mark("--parallelism"), "", message))
        return None
    return int(str(asked))
