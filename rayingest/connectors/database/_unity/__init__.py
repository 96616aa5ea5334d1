"""Databricks' Unity Catalog, for the two services that OpenMetadata has for it."""
