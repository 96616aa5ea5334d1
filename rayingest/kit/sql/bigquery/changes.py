"""What an incremental run hears of the tables of a dataset: when each was modified last.

The meta-table `__TABLES__` has it in `last_modified_time`, which moves with a table's metadata and with its
rows: https://stackoverflow.com/questions/22734777/how-do-i-use-the-table-query-function-in-bigquery. No
listing has it (https://github.com/googleapis/java-bigquery/issues/1543), and the views that Google
documents tell of rows alone. A table that is written to every day is so described every day. Rows that
are streamed may be minutes late, hence a margin. A statement for each dataset; it reads no bytes.
"""

import logging
import time

from rayingest.errors import Denied, Gone, Permanent
from rayingest.kit.sql.bigquery.errors import READ, RUN
from rayingest.kit.sql.bigquery.session import BigQuerySession, quoted
from rayingest.kit.sql.facts import Wants

_log = logging.getLogger(__name__)

MODIFIED = "select t.table_id, t.creation_time, t.last_modified_time from {place}.__TABLES__ t"
DAY = 86_400_000  # milliseconds
UNTOLD = (
    "Everything is described where __TABLES__ does not tell what has changed: %s "
    "(%s on the dataset and %s are wanted)"
)
Moments = dict[str, str]  # name of a table -> its change token


def modified(session: BigQuerySession, wants: Wants, dataset: str) -> Moments:
    """Change tokens of what has not changed for the margin; none where nobody wants or may see them."""
    if wants.margin is None:
        return {}
    try:
        rows = session.rows(*statement(session, dataset))
    except (Denied, Gone, Permanent) as error:
        if session.changes_told:
            session.changes_told = False
            _log.warning(UNTOLD, error, READ, RUN)
        return {}
    before = time.time() * 1000 - wants.margin * DAY
    return {name: f"{made} {last}" for name, made, last in rows if last and last < before}


def statement(
    session: BigQuerySession, dataset: str
) -> tuple[str, dict[str, list[str]], str | None]:
    """The question about one dataset, and where to ask it."""
    (location,) = session.by_location({dataset: ()}) or (None,)
    return MODIFIED.format(place=quoted(session.database, dataset)), {}, location
