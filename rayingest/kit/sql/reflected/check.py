"""`check`: each query of one's own is asked about a table that is not there."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from rayingest.core.source import Capability, CheckResult
from rayingest.errors import RayingestError
from rayingest.kit.sql.reflected import lookups
from rayingest.kit.sql.reflected.session import ReflectedSession

NOWHERE = "no such name"


def check(
    session: ReflectedSession,
    schemas: Callable[[], str],
    asked: Mapping[Capability, lookups.Lookup],
    classify: Callable[[Exception], RayingestError | None],
) -> Iterator[CheckResult]:
    """What can be read, a line for each; what is reflected is not tried, as there is no table to try it on."""

    def tried(capability: Capability, tell: Callable[[], str]) -> CheckResult:
        try:
            return CheckResult(capability, "ok", tell())
        except Exception as error:
            known = classify(error)
            if known is None:
                raise
            session.refresh()  # a failed statement may have spoilt the transaction
            return CheckResult(capability, "denied", str(known), known.hint)

    yield tried(Capability.SCHEMAS, schemas)
    for capability, lookup in asked.items():
        match lookup:
            case lookups.QueriedMembers():
                yield tried(capability, partial(_readable, lookup, session, NOWHERE))
            case lookups.QueriedColumns() | lookups.QueriedKeys() | lookups.QueriedTexts():
                yield tried(capability, partial(_readable, lookup, session, NOWHERE, [NOWHERE]))
            case _:
                pass


def _readable(lookup: Callable[..., object], *given: object) -> str:
    lookup(*given)
    return "readable"
