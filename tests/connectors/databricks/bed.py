"""The story in minilake, as the other service of OpenMetadata's reads it."""

from ..unitycatalog.bed import on_minilake


def bed(folder):
    return on_minilake("Databricks")
