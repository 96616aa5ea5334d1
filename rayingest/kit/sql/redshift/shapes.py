"""Redshift's types in OpenMetadata's words, out of the text that `format_type` writes, or Hive's.

https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
"""

from functools import lru_cache

from rayingest.kit.sql.reflected import shapes
from rayingest.kit.sql.reflected.shapes import Shape

OWN = {
    "hllsketch": "HLLSKETCH",
    "varbyte": "VARBINARY",
    "binary varying": "VARBINARY",
    "oid": "BIGINT",
    "name": "VARCHAR",
    '"char"': "CHAR",
}


@lru_cache(maxsize=10_000)
def shape(text: str) -> Shape:
    """What a type says of a column."""
    form = shapes.shape(text)
    word, _, arguments = text.partition("(")
    own = OWN.get(word.strip())
    if own is None or form.data_type != "UNKNOWN":
        return form
    length = arguments.rstrip(")").strip()
    return form._replace(data_type=own, length=int(length) if length.isdecimal() else None)
