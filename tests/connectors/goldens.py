"""What connectors told once, entity for entity: `--write-golden` stores it anew, and the diff is read."""

import json
from collections.abc import Mapping
from pathlib import Path

from rayingest.sinks import spelling
from rayingest.testing.conformance import Told

FOLDER = Path(__file__).parent / "golden"


def hold(name: str, told: Told, *, write: bool, spelled: Mapping[str, str] | None = None) -> None:
    """Compare what was told with its file; `spelled` are texts that change, and what stands for them."""
    rows = [*map(spelling.local_row, told.entities), *map(spelling.local_fact, told.facts)]
    lines = []
    for row in sorted(rows, key=lambda row: (row.type, row.fqn)):
        body = row.body.decode()
        for text, instead in (spelled or {}).items():
            body = body.replace(text, instead)
        line = json.loads(body)
        line.pop("sourceHash", None)  # it is over what changes, too
        lines.append({"type": row.type, **line})
    golden = FOLDER / f"{name}.jsonl"
    if write:
        golden.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return
    assert lines == [json.loads(line) for line in golden.read_text().splitlines()]
