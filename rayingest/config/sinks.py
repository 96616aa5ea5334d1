"""`sink.config`: what each kind of sink accepts."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from rayingest.config.connection import ConnectionModel
from rayingest.config.marks import Older, Unused

SQLITE = "sqlite:///"


class MetadataRestSink(ConnectionModel):
    """An OpenMetadata server, by its REST API."""

    bulk_sink_batch_size: int = Field(
        default=100, ge=1, le=1000, description="Entities per request."
    )
    override_metadata: bool | None = Field(
        default=None, description="Overwrite what people have edited in the catalogue."
    )
    api_endpoint: Annotated[str | None, Unused()] = Field(
        default=None, description="The server is named by openMetadataServerConfig.hostPort."
    )
    enable_async_pipeline: Annotated[bool, Unused()] = Field(
        default=True, description="OpenMetadata's own client ignores it as well."
    )
    async_pipeline_workers: Annotated[int, Unused()] = Field(
        default=2, description="OpenMetadata's own client ignores it as well."
    )


def _local(path: str) -> str:
    if "://" in path or not path:
        raise ValueError("expected a local folder")
    return path


def _sqlite(url: str) -> str:
    if not url.startswith(SQLITE):
        raise ValueError(f"only SQLite can be written to yet: {SQLITE}catalogue.db")
    return url


Folder = Annotated[str, AfterValidator(_local)]


class FileSink(ConnectionModel):
    """JSON lines, a file for each type of entity."""

    path: Folder | None = Field(
        default=None, description="Folder of the files.", examples=["metadata"]
    )
    filename: Annotated[Folder | None, Older()] = Field(
        default=None, description="OpenMetadata's name for the same."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.path is None) == (self.filename is None):
            raise ValueError("expected a path: the folder of the files")
        return self


class SqlSink(ConnectionModel):
    """A catalogue in a SQL database that can be queried."""

    url: Annotated[str, AfterValidator(_sqlite)] | None = Field(
        default=None, description="The database.", examples=["sqlite:///catalogue.db"]
    )
    path: Annotated[Folder | None, Older()] = Field(
        default=None, description="The same as a path: catalogue.db when nothing is said."
    )


class MemorySink(ConnectionModel):
    """A store in this process, for notebooks and tests."""

    name: str = Field(default="default", description="Name of the store.")


SINKS: dict[str, type[ConnectionModel]] = {
    "metadata-rest": MetadataRestSink,
    "file": FileSink,
    "sql": SqlSink,
    "memory": MemorySink,
}
"""The first one is used when the config names none."""
