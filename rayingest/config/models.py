# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""The whole workflow YAML, but for what depends on a `type`: connection, options, sink.config."""

from typing import Annotated, Any, Literal

from pydantic import Field

from rayingest.config.connection import ConnectionModel
from rayingest.config.execution import DistributedExecution
from rayingest.config.marks import Unused
from rayingest.config.server import OpenMetadataServer

Json = dict[str, Any]


class ServiceConnection(ConnectionModel):
    """How to reach the source; when absent it is read from the server by serviceName."""

    config: Json = Field(repr=False, description="The connection; its keys depend on the source.")


class SourceConfig(ConnectionModel):
    """What to do with the source."""

    config: Json = Field(default_factory=dict, description="The workflow; its `type` says which.")


class Source(ConnectionModel):
    """Where metadata is read."""

    type: str = Field(description="Name of the connector; `rayingest connectors` lists them.")
    serviceName: str = Field(min_length=1, description="Name of the service in the catalogue.")
    serviceConnection: ServiceConnection | None = Field(
        default=None,
        description="How to reach the source; absent: the server knows it by serviceName.",
    )
    sourceConfig: SourceConfig = Field(description="What to read.")


class Component(ConnectionModel):
    """A step of a workflow."""

    type: str = Field(description="Name of the step.")
    config: Json | None = Field(default=None, repr=False, description="Its settings.")


class SinkComponent(ConnectionModel):
    """Where metadata is written."""

    type: str = Field(default="metadata-rest", description="metadata-rest, file, sql or memory.")
    config: Json | None = Field(default=None, repr=False, description="Settings of the sink.")


class WorkflowConfig(ConnectionModel):
    """How the run behaves, and which catalogue it writes to."""

    loggerLevel: Literal["DEBUG", "INFO", "WARN", "ERROR"] = Field(
        default="INFO", description="Least level of log lines."
    )
    raiseOnError: bool = Field(default=True, description="Fail the run when entities failed.")
    successThreshold: float = Field(
        default=90, ge=0, le=100, description="Percentage of entities that must succeed."
    )
    openMetadataServerConfig: OpenMetadataServer | None = Field(
        default=None, description="The catalogue; needed by the sink metadata-rest."
    )
    distributedExecution: DistributedExecution | None = Field(
        default=None, description="rayingest's own block: where the run takes place."
    )
    config: Annotated[Json | None, Unused()] = Field(
        default=None, repr=False, description="Free settings."
    )


Step = Annotated[Component | None, Unused()]


class Workflow(ConnectionModel):
    """OpenMetadata's workflow YAML, with distributedExecution in its workflowConfig."""

    source: Source = Field(description="Where metadata is read.")
    processor: Step = Field(default=None, description="A step of other workflows.")
    stage: Step = Field(default=None, description="A step of other workflows.")
    bulkSink: Step = Field(default=None, description="A step of other workflows.")
    sink: SinkComponent | None = Field(default=None, description="Where metadata is written.")
    workflowConfig: WorkflowConfig = Field(
        default_factory=WorkflowConfig, description="How the run behaves."
    )
    ingestionPipelineFQN: str | None = Field(
        default=None, description="Pipeline in the catalogue that is told about this run."
    )
    pipelineRunId: str | None = Field(default=None, description="Id of this run for that pipeline.")
    enableStreamableLogs: Annotated[bool, Unused()] = Field(
        default=False, description="Stream logs to the server."
    )
    ingestionRunnerName: Annotated[str | None, Unused()] = Field(
        default=None, description="Name of what started the run."
    )
