"""What `run` does with a config that wants to be taken to Kubernetes: submits it, and follows it."""

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from rayingest.cli import kubernetes, loading
from rayingest.cli.submit import Flags, Texts, given, prepared_of, put
from rayingest.cli.waiting import Waiting
from rayingest.errors import ConfigError

if TYPE_CHECKING:
    from rayingest.api.wishes import Wishes


def launched(source: str, sets: Texts, overlays: Texts, flags: Flags) -> bool:
    """Whether a config that cannot be used here wants to be taken to Kubernetes, whose pods have the rest."""
    from rayingest.api import submitting

    return submitting.launched(
        source, overlays=loading.filled(overlays), sets=loading.filled(sets), flags=given(flags)
    )


def instead(
    source: str,
    sets: Texts,
    overlays: Texts,
    flags: Flags,
    wishes: "Wishes",
    *,
    report_json: str | None,
) -> NoReturn:
    """What `run` does with such a config: submit it, follow it, and leave with its exit code."""
    from rayingest.api.wishes import Wishes

    kubernetes.refuse_inside()
    here = replace(wishes, run_id=None, partial_ok=False, allow_untested=False)
    if here != Wishes(select=[], exclude=[]):
        raise ConfigError(
            "On the way to Kubernetes only --run-id, --partial-ok and --allow-untested go with a run.",
            hint="The other flags are for a run here: add --engine local or ray.",
        )
    if source == "-":
        raise ConfigError(
            "A config from standard input is submitted by name.", hint="rayingest submit - --follow"
        )
    prepared = prepared_of(
        source,
        sets=sets,
        overlays=overlays,
        flags={key: value for key, value in flags.items() if key != "address"},
        run_id=wishes.run_id,
        allow_untested=wishes.allow_untested,
    )
    waiting = Waiting(wait=True, follow=True, partial_ok=wishes.partial_ok, report_json=report_json)
    with kubernetes.connected(None) as cluster:
        put(prepared, cluster, waiting)
    raise AssertionError  # pragma: no cover - waiting leaves
