"""What the tasks without Ray do: write the containers, list the rest in groups, describe a group."""

import logging
from itertools import islice
from typing import Any

import msgspec

from rayingest.airflow.verdicts import RunFailed, passed
from rayingest.airflow.wanted import Wanted
from rayingest.api import Job, load
from rayingest.core.source import EntityDescriptor, ScopeListed

_LOG = logging.getLogger(__name__)
LEVELS = {"debug": logging.DEBUG, "warning": logging.WARNING, "error": logging.ERROR}
Json = dict[str, Any]


def containers(wanted: Wanted, run: str) -> str:
    """Write what the others lie in: what `exclude` leaves out is no service, database or schema."""
    done = _job(wanted).run(
        exclude=["*"], run_id=run, log=_log, allow_untested=wanted.allow_untested
    )
    return passed(done.report, partial_ok=wanted.partial_ok)


def discovered(wanted: Wanted, group: int, most: int) -> list[list[Json]]:
    """Descriptors as JSON, so many in a group. Raises RunFailed when there are too many, or not all."""
    missing: list[ScopeListed] = []
    found = list(_job(wanted).discover(limit=most + 1, unlisted=missing.append))
    if len(found) > most:
        raise RunFailed(
            f"The source has more than {most:,} entities, and all of them would be one XCom.",
            hint="Filters make it smaller; `dag` runs a source of any size on Kubernetes.",
        )
    told = [
        f"{each.scope or 'the source'}: its list of {each.type.value} is not complete: {each.why}"
        for each in missing
    ]
    if told and not wanted.partial_ok:
        raise RunFailed(" ".join(told), hint="`partial_ok=True` goes on with what was listed.")
    for each in told:
        _LOG.warning("%s", each)
    rest = iter(found)
    made: list[list[Json]] = []
    while some := list(islice(rest, group)):
        made.append(msgspec.to_builtins(some))
    _LOG.info("%s entities in %s groups", f"{len(found):,}", f"{len(made):,}")
    return made


def processed(wanted: Wanted, entities: list[Json], run: str) -> str:
    """Describe and write a group. Raises RunFailed."""
    chosen = msgspec.convert(entities, list[EntityDescriptor])
    done = _job(wanted).process(chosen, run_id=run, log=_log, allow_untested=wanted.allow_untested)
    return passed(done.report, partial_ok=wanted.partial_ok)


def _job(wanted: Wanted) -> Job:
    """The config, with this process as its engine, whatever it says."""
    return load(
        wanted.config, overlays=wanted.overlays, sets=wanted.sets, flags={"engine": "local"}
    )


def _log(level: str, text: str) -> None:
    _LOG.log(LEVELS.get(level, logging.INFO), "%s", text)
