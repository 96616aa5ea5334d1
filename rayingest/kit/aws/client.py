"""One session's calls to one service of AWS: counted, limited, few retries, errors as the engine knows them."""

import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any, cast

import stamina

from rayingest.config.connection import AwsCredentials
from rayingest.core.limits import Limiter
from rayingest.core.source import Settings
from rayingest.errors import Permanent, RayingestError, Retryable, TimedOut
from rayingest.kit.aws.errors import classify
from rayingest.kit.aws.session import client, hidden, session

TRIES = 3
PATIENT_TRIES = 6  # a listing does not start anew because one of its pages came too early
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Client:
    """Calls to one service, from several threads where a listing wants that; their limit has its name.

    `database` is what the SQL kit calls its batches by; `aws` stands for `awsConfig` where a connection has
    it elsewhere. `session` is botocore's, for those who want its credentials, too.
    """

    def __init__(
        self,
        settings: Settings,
        service: str,
        database: str = "",
        aws: AwsCredentials | None = None,
    ) -> None:
        aws = aws or cast("AwsCredentials", settings.connection.awsConfig)
        self.calls = 0
        self.database = database
        self.region = aws.awsRegion
        self._service = service
        self._limiter: Limiter = settings.limiter
        self._hidden = hidden(aws)
        self._stop = threading.Event()
        self._counting = threading.Lock()
        self.session = session(aws)
        self._client = client(self.session, service, aws, settings.call_timeout)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def cancel(self) -> None:
        """No call follows, so that the session ends; one that is under way ends with its time-out."""
        self._stop.set()

    def ask(self, operation: str, **given: Any) -> Mapping[str, Any]:
        """The answer to `GetTables` and its like. Raises the errors of `kit.aws.errors`."""
        return self._asked(operation, given, TRIES)

    def pages(
        self, operation: str, *, sent: str = "NextToken", got: str = "NextToken", **given: Any
    ) -> Iterator[Mapping[str, Any]]:
        """All answers of a listing: what came as `got` is sent as `sent`, until there is none."""
        token: str | None = None
        while True:
            more: Mapping[str, Any] = {sent: token} if token else {}
            answer = self._asked(operation, {**given, **more}, PATIENT_TRIES)
            yield answer
            before, token = token, answer.get(got)
            if not token:
                return
            if token == before:
                raise Permanent(f"{operation} names the same next page twice: it does not end.")

    def _asked(self, operation: str, given: Mapping[str, Any], tries: int) -> Mapping[str, Any]:
        for attempt in stamina.retry_context(
            on=self._worth_another, attempts=tries, timeout=None, wait_initial=0.2, wait_max=5.0
        ):
            with attempt, self._limiter.call(self._service, operation):
                return self._once(operation, given)
        raise AssertionError  # pragma: no cover - the last attempt raises

    def _once(self, operation: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._stop.is_set():
            raise TimedOut(f"{operation} was cancelled")
        with self._counting:
            self.calls += 1
        try:
            answer: Mapping[str, Any] = getattr(self._client, _method(operation))(**given)
            if hasattr(answer.get("Body"), "read"):
                # What streams is read here: where it breaks off, the call is made again.
                answer = {**answer, "Body": answer["Body"].read()}
        except Exception as error:
            known = classify(error, f"{self._service}:{operation}")
            if known is None:
                raise
            raise self._plain(known) from None
        return answer

    def _worth_another(self, error: Exception) -> bool:
        return isinstance(error, Retryable) and not isinstance(error, TimedOut)

    def _plain(self, error: RayingestError) -> RayingestError:
        text = str(error)
        for each in self._hidden:
            text = text.replace(each, "***")
        error.args = (text,)
        return error


def _method(operation: str) -> str:
    """`GetTables` as botocore's clients spell it."""
    return _WORDS.sub("_", operation).lower()
