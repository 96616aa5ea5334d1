"""Where entities live in OpenMetadata's API."""

from urllib.parse import quote

COLLECTIONS = {
    "databaseService": "services/databaseServices",
    "database": "databases",
    "databaseSchema": "databaseSchemas",
    "table": "tables",
    "storedProcedure": "storedProcedures",
    "dashboardService": "services/dashboardServices",
    "dashboard": "dashboards",
    "chart": "charts",
    "dashboardDataModel": "dashboard/datamodels",
    "pipelineService": "services/pipelineServices",
    "pipeline": "pipelines",
    "topic": "topics",
    "container": "containers",
    "mlmodel": "mlmodels",
    "searchIndex": "searchIndexes",
}


def by_name(entity_type: str, fqn: str) -> str:
    """The path of an entity by its FQN."""
    return f"/{COLLECTIONS[entity_type]}/name/{escape(fqn)}"


def escape(text: str) -> str:
    """Percent-encode a whole path segment."""
    return quote(text, safe="")
