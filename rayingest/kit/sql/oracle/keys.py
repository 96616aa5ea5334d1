"""Primary, unique and foreign keys of a batch: one statement, with the columns that they refer to.

https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/ALL_CONSTRAINTS.html
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from rayingest.core import fqn
from rayingest.kit.sql.keys import Foreign, Keys
from rayingest.kit.sql.oracle.names import told
from rayingest.kit.sql.oracle.session import Among, Key, OracleSession, Row

# A constraint's name is unique to its owner. A key that is disabled is one all the same: warehouses
# declare theirs so.
KEYS = """select c.owner, c.table_name, c.constraint_type, c.constraint_name, k.position, k.column_name,
       f.owner, f.table_name, f.column_name
  from {v}_constraints c
  join {v}_cons_columns k on k.owner = c.owner and k.constraint_name = c.constraint_name
  left join {v}_cons_columns f
    on f.owner = c.r_owner and f.constraint_name = c.r_constraint_name and f.position = k.position
 where c.constraint_type in ('P', 'U', 'R') and {where}"""
PRIMARY, UNIQUE, FOREIGN = "P", "U", "R"
Spelled = Callable[[Key, str], str]


def keys(session: OracleSession, among: Among, database: str, spelled: Spelled) -> dict[Key, Keys]:
    """Keys by table; `database` is an FQN, `spelled` tells how a column of one of the tables is told."""
    query = KEYS.replace("{where}", among.where("c.owner", "c.table_name"))
    constraints: dict[Key, dict[tuple[str, str], list[Row]]] = defaultdict(dict)
    for row in session.rows(query, among.binds):
        constraints[row[0], row[1]].setdefault((row[2], row[3]), []).append(row)
    return {
        key: _keys(key, found, database, spelled, exact=session.exact)
        for key, found in constraints.items()
    }


def _keys(
    table: Key,
    found: dict[tuple[str, str], list[Row]],
    database: str,
    spelled: Spelled,
    *,
    exact: bool,
) -> Keys:
    ordered = {each: sorted(rows, key=lambda row: row[4]) for each, rows in sorted(found.items())}
    columns = {each: [spelled(table, row[5]) for row in rows] for each, rows in ordered.items()}
    return Keys.of(
        next((columns[each] for each in columns if each[0] == PRIMARY), ()),
        [columns[each] for each in columns if each[0] == UNIQUE],
        [
            _foreign(columns[each], rows, database, exact=exact)
            for each, rows in ordered.items()
            # What the account may not see is no place to point at.
            if each[0] == FOREIGN and all(row[8] is not None for row in rows)
        ],
    )


def _foreign(ours: Sequence[str], rows: Sequence[Row], database: str, *, exact: bool) -> Foreign:
    owner, table = rows[0][6], rows[0][7]
    name = fqn.child(database, told(owner, exact=exact), told(table, exact=exact))
    # Of another table not all columns are known, so that twins among them cannot be told apart.
    return Foreign(ours, name, [told(row[8], exact=exact) for row in rows])
