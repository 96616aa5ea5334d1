# ruff: noqa: INP001, T201 - a program
"""What a column costs as a pydantic model and as a msgspec struct: made and encoded, CPU seconds.

python benchmarks/structs.py [--columns 148000] [--repeat 5]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import msgspec
import pydantic
from pydantic import BaseModel

from rayingest.model import Column


class Model(BaseModel):
    """The same fields, in pydantic."""

    model_config = {"frozen": True}
    name: str
    dataType: str  # noqa: N815 - OpenMetadata's spelling
    dataTypeDisplay: str | None = None  # noqa: N815
    dataLength: int | None = None  # noqa: N815
    constraint: str | None = None
    ordinalPosition: int | None = None  # noqa: N815
    description: str | None = None


def struct(number: int) -> bytes:
    """Columns as structs, encoded."""
    made = [
        Column(
            name=f"c{at}",
            data_type="VARCHAR",
            data_type_display="character varying(40)",
            data_length=40,
            ordinal_position=at,
        )
        for at in range(number)
    ]
    return msgspec.json.encode(made)


def model(number: int) -> bytes:
    """Columns as models, encoded."""
    made = [
        Model(
            name=f"c{at}",
            dataType="VARCHAR",
            dataTypeDisplay="character varying(40)",
            dataLength=40,
            ordinalPosition=at,
        )
        for at in range(number)
    ]
    return pydantic.TypeAdapter(list[Model]).dump_json(made, exclude_none=True)


def cpu(work: Callable[[int], bytes], number: int) -> float:
    """CPU seconds of one call."""
    before = time.process_time()
    work(number)
    return time.process_time() - before


def main() -> None:
    """Measure in turn, print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=148_000)
    parser.add_argument("--repeat", type=int, default=5)
    wanted = parser.parse_args()
    samples: dict[str, list[float]] = {"msgspec": [], "pydantic": []}
    for _ in range(wanted.repeat):
        samples["msgspec"].append(round(cpu(struct, wanted.columns), 3))
        samples["pydantic"].append(round(cpu(model, wanted.columns), 3))
    medians = {name: statistics.median(each) for name, each in samples.items()}
    ratio = medians["pydantic"] / medians["msgspec"]
    versions = {"msgspec": msgspec.__version__, "pydantic": pydantic.VERSION}
    print(f"pydantic / msgspec: {ratio:.1f}x", file=sys.stderr)
    print(
        json.dumps(
            {
                "columns": wanted.columns,
                "cpu_s": medians,
                "ratio": round(ratio, 1),
                "samples": samples,
                "versions": versions,
            }
        )
    )


if __name__ == "__main__":
    main()
