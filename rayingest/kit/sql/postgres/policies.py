"""Row-level security policies, as tags of the tables that they protect."""

from rayingest.kit.sql.postgres.session import Row
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Tag

POLICIES = """
select p.polrelid, p.polname,
       case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE'
                     when 'd' then 'DELETE' else 'ALL' end,
       p.polpermissive, pg_catalog.pg_get_expr(p.polqual, p.polrelid),
       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
  from pg_catalog.pg_policy p
 where p.polrelid = any(%s::oid[])
 order by p.polrelid, p.polname
"""


def tags(rows: list[Row], classification: str) -> tuple[Tag, ...]:
    """One tag per policy; its description says what the policy allows."""
    return tuple([_tag(row, classification) for row in rows])


def _tag(row: Row, classification: str) -> Tag:
    _, name, command, permissive, using, check = row
    words = [f"Row-level security policy for {command}", "" if permissive else " (restrictive)"]
    words += [f" using ({using})"] if using else []
    words += [f" with check ({check})"] if check else []
    return Tag(classification=classification, name=name, description=scrub("".join(words)))
