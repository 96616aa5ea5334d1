"""The codes of DBC.ColumnsV as the types that one declares.

https://docs.teradata.com/r/Enterprise_IntelliFlex_VMware/SQL-Data-Types-and-Literals/Data-Type-Formats-and-Format-Phrases
"""

PLAIN = {
    "I1": "BYTEINT",
    "I2": "SMALLINT",
    "I": "INTEGER",
    "I8": "BIGINT",
    "F": "FLOAT",
    "DA": "DATE",
    "JN": "JSON",
    "XM": "XML",
    "BO": "BLOB",
    "CO": "CLOB",
    "DT": "DATASET",
    "PD": "PERIOD(DATE)",
    "++": "TD_ANYTYPE",
}
LONG = {"CF": "CHAR", "CV": "VARCHAR", "BF": "BYTE", "BV": "VARBYTE"}
# Fractions of a second stand in DecimalFractionalDigits.
TIMES = {
    "AT": "TIME({})",
    "TZ": "TIME({}) WITH TIME ZONE",
    "TS": "TIMESTAMP({})",
    "SZ": "TIMESTAMP({}) WITH TIME ZONE",
    "PT": "PERIOD(TIME({}))",
    "PZ": "PERIOD(TIME({}) WITH TIME ZONE)",
    "PS": "PERIOD(TIMESTAMP({}))",
    "PM": "PERIOD(TIMESTAMP({}) WITH TIME ZONE)",
}
INTERVALS = {
    "YR": "YEAR",
    "YM": "YEAR TO MONTH",
    "MO": "MONTH",
    "DY": "DAY",
    "DH": "DAY TO HOUR",
    "DM": "DAY TO MINUTE",
    "DS": "DAY TO SECOND",
    "HR": "HOUR",
    "HM": "HOUR TO MINUTE",
    "HS": "HOUR TO SECOND",
    "MI": "MINUTE",
    "MS": "MINUTE TO SECOND",
    "SC": "SECOND",
}
TWO_BYTES = {2, 4}  # CharType of UNICODE and GRAPHIC: ColumnLength counts bytes


def spelled(  # noqa: PLR0911, PLR0917 - a table of cases, a row of columns
    code: str | None,
    length: int | None,
    digits: int | None,
    fraction: int | None,
    characters: int | None,
    own: str | None,
) -> str | None:
    """The text of one type; None for columns of views, of which there is none."""
    code = (code or "").strip().upper()
    if code in PLAIN:
        return PLAIN[code]
    if code in LONG:
        size = (length or 1) // (2 if characters in TWO_BYTES else 1)
        return f"{LONG[code]}({size})"
    if code in TIMES:
        return TIMES[code].format(fraction or 0)
    if code in INTERVALS:
        return f"INTERVAL {INTERVALS[code]}"
    if code == "D":
        return f"DECIMAL({digits},{fraction or 0})"
    if code == "N":
        # Without a declared precision there is a negative number in its place.
        exact = digits is not None and digits > 0
        return f"NUMBER({digits},{max(fraction or 0, 0)})" if exact else "NUMBER"
    return own or code or None
