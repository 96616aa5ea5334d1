"""What a check says of one call."""

import pytest

from rayingest.core.source import CheckResult
from rayingest.errors import Denied
from rayingest.kit.checks import tried


def refused() -> None:
    raise Denied("403", hint="Ask an admin.")


def test_what_is_allowed_is_ok() -> None:
    assert tried("users", list) == CheckResult("users", "ok")


@pytest.mark.parametrize(("grant", "said"), [("A role.", "A role."), ("", "Ask an admin.")])
def test_what_is_refused_says_what_is_needed(grant: str, said: str) -> None:
    result = tried("users", refused, grant)
    assert (result.status, result.why, result.grant) == ("denied", "403", said)


def test_a_fault_of_ours_is_no_refusal() -> None:
    with pytest.raises(ZeroDivisionError):
        tried("users", lambda: 1 / 0)
