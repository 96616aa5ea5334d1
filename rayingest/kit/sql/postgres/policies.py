"""Row-level security policies, as tags of the tables that they protect."""

import json
from typing import Any

from rayingest.kit.sql.postgres.session import Row
from rayingest.kit.sql.scrub import scrub
from rayingest.model import Tag

# Nearly no table has any: they travel in the statement of the comments, as comments number -1.
NUMBER = -1
POLICIES = """
select p.polrelid, -1,
       pg_catalog.json_build_array(p.polname,
         case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE'
                       when 'd' then 'DELETE' else 'ALL' end,
         p.polpermissive, pg_catalog.pg_get_expr(p.polqual, p.polrelid),
         pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))::text
  from pg_catalog.pg_policy p
 where p.polrelid = any(%s::oid[])
"""


def tags(comments: list[Row], classification: str) -> tuple[Tag, ...]:
    """One tag per policy among a table's comments; its description says what the policy allows."""
    policies = sorted(json.loads(text) for _, number, text in comments if number == NUMBER)
    return tuple([_tag(policy, classification) for policy in policies])


def _tag(policy: list[Any], classification: str) -> Tag:
    name, command, permissive, using, check = policy
    words = [f"Row-level security policy for {command}", "" if permissive else " (restrictive)"]
    words += [f" using ({using})"] if using else []
    words += [f" with check ({check})"] if check else []
    return Tag(classification=classification, name=name, description=scrub("".join(words)))
