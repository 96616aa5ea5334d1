"""Put a config together from a merged document; every part is checked, whatever the others say."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from rayingest.config import parts
from rayingest.config.config import Config, SinkSpec
from rayingest.config.document import Document
from rayingest.config.draft import draft
from rayingest.config.execution import Execution
from rayingest.config.interpolate import Variables
from rayingest.config.marks import Unused, marked
from rayingest.config.models import Workflow
from rayingest.config.problems import (
    CONNECTION,
    OPTIONS_PATH,
    SINK_CONFIG,
    ConfigErrors,
    KeyPath,
    dotted,
)
from rayingest.config.scrub import scrubbed
from rayingest.core.source import Capability, Connector


def assemble(document: Document, variables: Variables, flags: Mapping[str, object]) -> Config:
    """Check everything, and return the config. Raises ConfigErrors."""
    made = draft(document, variables)
    connector = parts.connector(made)
    workflow = made.read((), Workflow)
    connection = parts.connection(made, connector)
    options, sink = parts.options(made, connector), parts.sink(made)
    execution = parts.execution(made, workflow, options, flags)
    if workflow and sink:
        parts.check_server(made, workflow, sink[0])
    if made.problems or not (workflow and options and sink and execution):
        raise ConfigErrors(scrubbed(made, variables.used))
    checked: tuple[tuple[KeyPath, BaseModel | None], ...] = (
        ((), workflow),
        (CONNECTION, connection),
        (OPTIONS_PATH, options),
        (SINK_CONFIG, sink[1]),
    )
    return Config(
        name=document.name,
        tree=document.tree,
        variables=dict(variables.used),
        connector=parts.connector_name(workflow.source.type),
        service=workflow.source.serviceName,
        connection=connection,
        options=options,
        sink=SinkSpec(sink[0], _settings(sink[1])),
        server=workflow.workflowConfig.openMetadataServerConfig,
        execution=execution,
        success_threshold=workflow.workflowConfig.successThreshold,
        logger_level=workflow.workflowConfig.loggerLevel,
        raise_on_error=workflow.workflowConfig.raiseOnError,
        ingestion_pipeline_fqn=workflow.ingestionPipelineFQN,
        pipeline_run_id=workflow.pipelineRunId,
        warnings=(
            *_warnings(checked),
            *_in_order(workflow, execution),
            *_whole(options, connector),
        ),
    )


def _settings(sink: BaseModel) -> dict[str, Any]:
    settings = sink.model_dump(exclude_none=True)
    if "filename" in settings:
        settings["path"] = settings.pop("filename")
    return settings


def _warnings(checked: Iterable[tuple[KeyPath, BaseModel | None]]) -> Iterator[str]:
    """What the user wrote and nothing acts on."""
    found = [(model, path) for path, model in checked if model]
    unused = [dotted(each) for model, path in found for each, _ in marked(model, Unused, path)]
    if unused:
        yield f"Accepted, but not used yet: {', '.join(unused)}."


def _whole(options: BaseModel, connector: Connector | None) -> Iterator[str]:
    """An incremental run was asked for, of a source that does not tell what has changed."""
    wanted = getattr(options, "incremental", None)
    if wanted is None or not wanted.enabled or connector is None:
        return
    if Capability.INCREMENTAL not in connector.capabilities:
        why = connector.lacks.get(
            Capability.INCREMENTAL, "the connector does not tell what changed"
        )
        yield f"sourceConfig.config.incremental: everything is read in every run: {why}."


def _in_order(workflow: Workflow, execution: Execution) -> Iterator[str]:
    """A parallelism that somebody wrote, in a block that does not say whether it is enabled."""
    block = workflow.workflowConfig.distributedExecution
    if block is None or "enabled" in block.model_fields_set or execution.engine == "ray":
        return
    if block.parallelism not in (None, execution.parallelism):
        yield (
            f"distributedExecution.parallelism: {block.parallelism} is not used, for `enabled` is not written:"
            f" this run does {execution.parallelism} at once. Set enabled: true to run on Ray, or say"
            f" --parallelism {block.parallelism}."
        )
