"""The story in tables of Delta on this machine, made by deltalake: the format's own writer."""

from contextlib import contextmanager
from importlib.metadata import version

from rayingest.core.source import Grade

from ..beds import Bed
from .story import tell


@contextmanager
def bed(folder):
    root = folder / "lake"
    root.mkdir()
    tell(root)
    yield Bed(
        {
            "type": "DeltaLake",
            "configSource": {"connection": {}, "bucketName": str(root)},
        },
        f"tables of deltalake {version('deltalake')} in a folder; S3 on moto",
        Grade.CERTIFIED,
        spelled={str(root): "/lake"},
    )
