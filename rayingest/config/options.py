# ruff: noqa: N815 - the attributes are OpenMetadata's field names
"""`source.sourceConfig.config`: what a workflow is to do, a model for each of its `type`s."""

from typing import Annotated, Literal

from pydantic import Field

from rayingest.config.connection import ConnectionModel, FilterPattern
from rayingest.config.marks import Unused
from rayingest.core import fqn

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
    """List everything, and describe only what changed since it was described."""

    enabled: bool = Field(description="Describe only what changed.")
    lookbackDays: int = Field(
        default=7, ge=0, description="Days after which a table is described again in any case."
    )
    safetyMarginDays: int = Field(
        default=1, ge=0, description="What changed in so many days is described in any case."
    )


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
    incremental: Incremental | None = Field(
        default=None,
        description="Describe only what changed, where the source tells; all is listed in every run.",
    )
    extractJsonSchema: Annotated[bool, Unused()] = Field(
        default=False, description="Find the schema of JSON columns from samples."
    )
    jsonSchemaSampleSize: Annotated[int, Unused()] = Field(
        default=10, ge=1, le=1000, description="Rows to sample for that."
    )


class LineageInformation(ConnectionModel):
    """Where the tables are that dashboards read: older servers know names, newer ones prefixes."""

    dbServiceNames: list[str] = Field(
        default_factory=list,
        description="Database services of the catalogue to look for tables in.",
    )
    dbServicePrefixes: list[str] = Field(
        default_factory=list,
        description="The same: a service, or an FQN of a database or schema to look below.",
    )

    @property
    def places(self) -> tuple[str, ...]:
        """FQNs below which tables are looked for."""
        names = (fqn.join(each) for each in self.dbServiceNames)
        return tuple(dict.fromkeys((*names, *self.dbServicePrefixes)))


class DashboardMetadata(ConnectionModel):
    """Read dashboards, their charts, and the data models behind them."""

    type: Literal["DashboardMetadata"] = Field(
        default="DashboardMetadata", description="The workflow."
    )
    lineageInformation: LineageInformation | None = Field(
        default=None, description="Where the tables are that dashboards read."
    )
    dashboardFilterPattern: Pattern = Field(default=None, description="Which dashboards.")
    chartFilterPattern: Pattern = Field(default=None, description="Which charts.")
    dataModelFilterPattern: Pattern = Field(default=None, description="Which data models.")
    projectFilterPattern: Pattern = Field(
        default=None, description="Which projects: folders, workspaces, as the tool calls them."
    )
    includeOwners: bool = Field(default=False, description="Read owners.")
    includeTags: bool = Field(default=True, description="Read tags where the tool has them.")
    includeDataModels: bool = Field(default=True, description="Read data models.")
    includeDraftDashboard: bool = Field(
        default=True, description="Read dashboards that are not published, too."
    )
    includeUsage: bool = Field(
        default=True, description="Read how often dashboards are looked at, where the tool tells."
    )
    overrideMetadata: bool = Field(
        default=False, description="Overwrite descriptions, tags and owners in the catalogue."
    )
    overrideLineage: Annotated[bool, Unused()] = Field(
        default=False, description="Replace lineage edges instead of adding to them."
    )
    markDeletedDashboards: bool = Field(
        default=True, description="Delete dashboards (softly) that the source no longer has."
    )
    markDeletedDataModels: bool = Field(
        default=True, description="Delete data models (softly) that the source no longer has."
    )
    markDeletedCharts: bool = Field(
        default=True, description="Delete charts (softly) that the source no longer has."
    )
    queryParserConfig: Annotated[dict[str, str] | None, Unused()] = Field(
        default=None, description="Which parser reads SQL."
    )

    @property
    def places(self) -> tuple[str, ...]:
        """FQNs below which the tables are that dashboards read."""
        return self.lineageInformation.places if self.lineageInformation else ()


class DatabaseLineage(ConnectionModel):
    """Read where the columns of views and tables come from."""

    type: Literal["DatabaseLineage"] = Field(default="DatabaseLineage", description="The workflow.")
    databaseFilterPattern: Pattern = Field(default=None, description="Which databases.")
    schemaFilterPattern: Pattern = Field(default=None, description="Which schemas.")
    tableFilterPattern: Pattern = Field(
        default=None, description="Which views, and which of the tables that were filled."
    )
    storedProcedureFilterPattern: Annotated[Pattern, Unused()] = Field(
        default=None, description="Which stored procedures."
    )
    processViewLineage: bool = Field(default=True, description="Read the statements of views.")
    processCrossDatabaseLineage: bool = Field(
        default=False, description="Look for tables in other services, too."
    )
    crossDatabaseServiceNames: list[str] = Field(
        default_factory=list, description="Those services."
    )
    threads: int = Field(
        default=1, ge=1, description="Parallelism when the run is in this process."
    )
    processQueryLineage: bool = Field(
        default=True,
        description="Read what the database has recorded of what fills tables: Unity Catalog and "
        "Databricks do; others have no lineage but that of views.",
    )
    processStoredProcedureLineage: Annotated[bool, Unused()] = Field(
        default=True, description="Read what procedures did."
    )
    overrideViewLineage: Annotated[bool, Unused()] = Field(
        default=False, description="Replace lineage edges instead of adding to them."
    )
    queryLogDuration: int = Field(
        default=1, description="Days to look back in what was recorded; 0 is today."
    )
    queryLogFilePath: Annotated[str | None, Unused()] = Field(
        default=None, description="A file with the query log."
    )
    resultLimit: Annotated[int, Unused()] = Field(
        default=1000, description="Lines of the query log to read at most."
    )
    parsingTimeoutLimit: Annotated[int, Unused()] = Field(
        default=300, description="Seconds for parsing one query."
    )
    queryParserConfig: Annotated[dict[str, str] | None, Unused()] = Field(
        default=None, description="Which parser reads SQL."
    )
    filterCondition: Annotated[str | None, Unused()] = Field(
        default=None, description="A condition on the query log."
    )
    enableTempTableLineage: Annotated[bool, Unused()] = Field(
        default=False, description="Look through temporary tables."
    )
    incrementalLineageProcessing: Annotated[bool, Unused()] = Field(
        default=True, description="Read only queries that are new."
    )


Options = DatabaseMetadata | DashboardMetadata | DatabaseLineage
OPTIONS: dict[str, type[Options]] = {
    "DatabaseMetadata": DatabaseMetadata,
    "DashboardMetadata": DashboardMetadata,
    "DatabaseLineage": DatabaseLineage,
}
# By the family of the connector.
DEFAULT_TYPE = {
    "database": "DatabaseMetadata",
    "dashboard": "DashboardMetadata",
    "lineage": "DatabaseLineage",
}

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
    "AutoClassification": (
        "storeSampleData",
        "enableAutoClassification",
        "confidence",
        "sampleDataCount",
        "classificationLanguage",
    ),
    "TestSuite": ("entityFullyQualifiedName", "serviceConnections", "testCases"),
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
    known = {name: tuple(model.model_fields) for name, model in OPTIONS.items()}
    return next((name for name, keys in (ELSEWHERE | known).items() if key in keys), None)
