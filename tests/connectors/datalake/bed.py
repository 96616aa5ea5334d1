"""The story as files of this machine: what object stores do differently is in test_s3.py."""

from contextlib import contextmanager

from rayingest.core.source import Grade

from ..aws import needed
from ..beds import Bed


@contextmanager
def bed(folder):
    arrow, avro = needed("pyarrow"), needed("fastavro")
    from .story import lay, library

    lake = folder / "lake"
    lay(lake, library())
    yield Bed(
        {"type": "Datalake", "configSource": {}, "bucketName": str(lake)},
        f"files of pyarrow {arrow.__version__} and fastavro {avro.__version__} in a folder",
        Grade.CERTIFIED,
        spelled={str(lake): "/lake"},
    )
