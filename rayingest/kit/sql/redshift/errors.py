"""What psycopg's exceptions mean when Redshift raised them: PostgreSQL's meanings, other ways out."""

from rayingest import errors
from rayingest.kit.sql.postgres import errors as postgres

# What the data catalogue, S3 or Lake Formation refuse to the role of an external schema comes with
# SQLSTATE XX000: https://docs.aws.amazon.com/redshift/latest/dg/c-spectrum-troubleshooting.html
_REFUSED = ("not authorized", "access denied", "accessdenied", "lake formation", "iam role")
_ELSEWHERE = (
    "An external schema is read with the IAM role of its definition (esoptions in SVV_EXTERNAL_SCHEMAS): "
    "allow glue:GetTables and glue:GetPartitions to it, SELECT in Lake Formation, "
    "and GRANT USAGE ON SCHEMA to the user of the config."
)
# https://docs.aws.amazon.com/redshift/latest/dg/c_visibility-of-data.html
_SEES = (
    "GRANT SELECT on it, or ALTER USER … SYSLOG ACCESS UNRESTRICTED, for the user of the config."
)


def classify(error: Exception) -> errors.RayingestError | None:
    """Say what a failed statement means for its caller."""
    known = postgres.classify(error)
    if isinstance(known, errors.Denied):
        # pg_read_all_data is PostgreSQL's.
        schema = "for schema" in str(known)
        return errors.Denied(str(known), hint=known.hint if schema else _SEES)
    if isinstance(known, errors.Permanent) and any(each in str(known).lower() for each in _REFUSED):
        return errors.Denied(str(known), hint=_ELSEWHERE)
    return known


def lasting(error: Exception) -> errors.RayingestError | None:
    """The same of a statement that takes long: None also for what may go better the next time.

    A time-out lasts: asked again, it would take as long to say so.
    """
    known = classify(error)
    passes = isinstance(known, errors.Retryable) and not isinstance(known, errors.TimedOut)
    return None if passes else known
