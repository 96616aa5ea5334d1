"""Check a document against OpenMetadata's JSON schemas, read where they lie."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_BASE = "json-schema:///"
_PROJECT = Path(__file__).resolve().parents[3]
DEFAULT = Path(os.environ.get("RAYINGEST_CONTRACTS") or _PROJECT.parent / "shared" / "contracts")

# Formats only say how Java holds a value, except this one, which it parses.
_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class MissingContractsError(FileNotFoundError):
    """There are no schemas to validate against."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"There are no JSON schemas in {path}. Set RAYINGEST_CONTRACTS to the directory that "
            "holds openmetadata/schemas, or start the catalogue with validate='off'."
        )


class MissingValidatorError(ImportError):
    """The validation library is a dependency of tests only."""

    def __init__(self) -> None:
        super().__init__(
            "The strict catalogue needs the package 'jsonschema-rs' to validate. Install it with: "
            "pip install jsonschema-rs; or start the catalogue with validate='off'."
        )


class Schemas:
    """The schemas under `<contracts>/openmetadata/schemas`, each compiled when first asked for."""

    def __init__(self, contracts: Path | str | None = None) -> None:
        root = Path(contracts) if contracts else DEFAULT
        self.root = root / "openmetadata" / "schemas"
        if not self.root.is_dir():
            raise MissingContractsError(self.root)
        try:
            import jsonschema_rs
        except ImportError as error:
            raise MissingValidatorError from error
        self._compile = jsonschema_rs.Draft7Validator
        self._compiled: dict[str, Any] = {}

    def errors(self, schema: str, document: Any) -> list[str]:
        """Why the document breaks the schema, a path such as `api/data/createTable.json`."""
        validator = self._compiled.get(schema) or self._load(schema)
        if validator.is_valid(document):
            return []
        return [_sentence(error) for error in validator.iter_errors(document)]

    def _load(self, schema: str) -> Any:
        validator = self._compile({"$ref": _BASE + schema}, retriever=self._read)
        return self._compiled.setdefault(schema, validator)

    def _read(self, uri: str) -> Any:
        document = json.loads((self.root / urlsplit(uri).path.lstrip("/")).read_bytes())
        # Some files carry another file's $id: a reference is resolved by where the file lies.
        document.pop("$id", None)
        if uri.endswith("type/basic.json"):
            document["definitions"]["uuid"]["pattern"] = _UUID
        return document


def _sentence(error: Any) -> str:
    where = "/".join(str(part) for part in error.instance_path)
    return f"{where or 'body'}: {error.message[:500]}"
