# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""`source.sourceConfig.config`: what a workflow is to do, a model for each of its `type`s."""

from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import ConnectionModel, FilterPattern
from rayingest.config.marks import Unused

Pattern = FilterPattern | None


class OwnerConfig(ConnectionModel):
    """Owners by name, where the source has none."""

    default: str | None = Field(default=None, description="Owner of what has no other.")
    service: str | None = Field(default=None, description="Owner of the service.")
    database: str | dict[str, str | list[str]] | None = Field(
        default=None, description="Owner of all databases, or owners by name."
    )
    databaseSchema: str | dict[str, str | list[str]] | None = Field(
        default=None, description="Owner of all schemas, or owners by name or FQN."
    )
    table: str | dict[str, str | list[str]] | None = Field(
        default=None, description="Owner of all tables, or owners by name or FQN."
    )
    enableInheritance: bool = Field(default=True, description="Children inherit the owner.")


class Incremental(ConnectionModel):
    """Read only what changed since the last run."""

    enabled: bool = Field(description="Read only what changed since the last run.")
    lookbackDays: int = Field(default=7, description="How far to look back for a successful run.")
    safetyMarginDays: int = Field(default=1, description="Days to read again before that run.")


class DatabaseMetadata(ConnectionModel):
    """Read databases, schemas, tables, columns, keys, views, procedures."""

    type: Literal["DatabaseMetadata"] = Field(
        default="DatabaseMetadata", description="The workflow."
    )
    databaseFilterPattern: Pattern = Field(default=None, description="Which databases.")
    schemaFilterPattern: Pattern = Field(default=None, description="Which schemas.")
    tableFilterPattern: Pattern = Field(default=None, description="Which tables and views.")
    storedProcedureFilterPattern: Pattern = Field(
        default=None, description="Which stored procedures."
    )
    useFqnForFiltering: bool = Field(
        default=False,
        description="Match patterns with service.database.schema.table, not with the name.",
    )
    includeTables: bool = Field(default=True, description="Read tables.")
    includeViews: bool = Field(default=True, description="Read views.")
    includeTags: bool = Field(default=True, description="Read tags where the database has them.")
    includeStoredProcedures: bool = Field(
        default=True, description="Read procedures and functions."
    )
    includeOwners: bool = Field(default=False, description="Read owners.")
    includeDDL: bool = Field(default=False, description="Read the statement that creates a table.")
    threads: int = Field(
        default=1, ge=1, description="Parallelism when the run is in this process."
    )
    includeCustomProperties: Annotated[bool, Unused()] = Field(
        default=False, description="Read custom properties."
    )
    ownerConfig: Annotated[OwnerConfig | None, Unused()] = Field(
        default=None, description="Owners by name, where the source has none."
    )
    overrideMetadata: bool = Field(
        default=False, description="Overwrite descriptions, tags and owners in the catalogue."
    )
    markDeletedTables: bool = Field(
        default=True, description="Delete tables (softly) that the source no longer has."
    )
    markDeletedStoredProcedures: bool = Field(
        default=True, description="Delete procedures (softly) that the source no longer has."
    )
    markDeletedSchemas: bool = Field(
        default=False, description="Delete schemas (softly) that the source no longer has."
    )
    markDeletedDatabases: bool = Field(
        default=False, description="Delete databases (softly) that the source no longer has."
    )
    queryLogDuration: Annotated[int, Unused()] = Field(
        default=1, description="Days of query log to read for procedures."
    )
    queryParsingTimeoutLimit: Annotated[int, Unused()] = Field(
        default=300, description="Seconds for parsing one query."
    )
    incremental: Annotated[Incremental | None, Unused()] = Field(
        default=None, description="Read only what changed since the last run."
    )
    extractJsonSchema: Annotated[bool, Unused()] = Field(
        default=False, description="Find the schema of JSON columns from samples."
    )
    jsonSchemaSampleSize: Annotated[int, Unused()] = Field(
        default=10, ge=1, le=1000, description="Rows to sample for that."
    )


Options = DatabaseMetadata
OPTIONS: dict[str, type[Options]] = {"DatabaseMetadata": DatabaseMetadata}
DEFAULT_TYPE = {"database": "DatabaseMetadata"}

# What OpenMetadata's other workflows call themselves, and keys that only they have.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "Profiler": (
        "processingEngine",
        "classificationFilterPattern",
        "computeMetrics",
        "computeTableMetrics",
        "computeColumnMetrics",
        "useStatistics",
        "profileSampleConfig",
        "profileSample",
        "profileSampleType",
        "samplingMethodType",
        "randomizedSample",
        "threadCount",
        "timeoutSeconds",
        "metrics",
    ),
    "DatabaseUsage": (
        "stageFileLocation",
        "filterCondition",
        "resultLimit",
        "queryLogFilePath",
        "processQueryCostAnalysis",
    ),
    "DatabaseLineage": (
        "parsingTimeoutLimit",
        "queryParserConfig",
        "overrideViewLineage",
        "processViewLineage",
        "processQueryLineage",
        "processStoredProcedureLineage",
        "processCrossDatabaseLineage",
        "crossDatabaseServiceNames",
        "enableTempTableLineage",
        "incrementalLineageProcessing",
    ),
    "AutoClassification": (
        "storeSampleData",
        "enableAutoClassification",
        "confidence",
        "sampleDataCount",
        "classificationLanguage",
    ),
    "TestSuite": ("entityFullyQualifiedName", "serviceConnections", "testCases"),
    "DashboardMetadata": (
        "lineageInformation",
        "dashboardFilterPattern",
        "chartFilterPattern",
        "dataModelFilterPattern",
        "projectFilterPattern",
        "markDeletedDashboards",
        "markDeletedDataModels",
        "markDeletedCharts",
        "includeDataModels",
        "includeDraftDashboard",
        "includeUsage",
        "overrideLineage",
    ),
    "PipelineMetadata": (
        "includeLineage",
        "ownershipUpdateMode",
        "pipelineFilterPattern",
        "markDeletedPipelines",
        "includeUnDeployedPipelines",
        "statusLookbackDays",
    ),
    "MessagingMetadata": ("topicFilterPattern", "generateSampleData", "markDeletedTopics"),
    "MlModelMetadata": ("mlModelFilterPattern", "markDeletedMlModels"),
    "StorageMetadata": ("containerFilterPattern", "storageMetadataConfigSource"),
    "SearchMetadata": ("searchIndexFilterPattern", "sampleSize"),
    "ApiMetadata": ("apiCollectionFilterPattern", "markDeletedApiCollections"),
    "DBT": (
        "dbtConfigSource",
        "searchAcrossDatabases",
        "catalogMapping",
        "dbtUpdateDescriptions",
        "dbtUpdateOwners",
        "dbtClassificationName",
        "includeMetrics",
    ),
}


def workflow_of(key: str) -> str | None:
    """The workflow that a key belongs to, when it is none of ours."""
    return next((name for name, keys in ELSEWHERE.items() if key in keys), None)
