"""Tokens: one that was given, or one that a login earns and renews."""

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from rayingest.errors import SinkUnauthorised
from rayingest.sinks.openmetadata.settings import Login

Post = Callable[[str, dict[str, Any]], dict[str, Any] | None]
"""Posts a body to a path, without a token; None when the server does not accept it."""

_EARLY = 60.0  # seconds before its end that a token is renewed
_HINT = "Check openMetadataServerConfig.authProvider and securityConfig; bots' tokens expire."


class Token:
    """The current bearer token, shared by the threads of a session."""

    def __init__(self, login: Login, post: Post) -> None:
        self._login, self._post = login, post
        self._lock = threading.Lock()
        self._value = login.token
        self._refresh: SecretStr | None = None
        self._until = float("inf")

    def current(self) -> SecretStr | None:
        """The token to send now (None: the user's own headers do it). Raises SinkUnauthorised."""
        if self._login.kind != "basic":
            return self._value
        with self._lock:
            if self._value is None or time.monotonic() > self._until:
                self._earn()
            return self._value

    def renew(self, refused: SecretStr | None) -> bool:
        """Get another token than the refused one; False where there is no way to."""
        if self._login.kind != "basic":
            return False
        with self._lock:
            if self._value is refused:  # else another thread has renewed it meanwhile
                self._earn()
            return True

    def _earn(self) -> None:
        answer = None
        if self._refresh is not None:
            refresh = {"refreshToken": self._refresh.get_secret_value()}
            answer = self._post("/users/refresh", refresh)
        if answer is None:
            password = self._login.password.get_secret_value() if self._login.password else ""
            coded = base64.b64encode(password.encode()).decode()
            answer = self._post("/users/login", {"email": self._login.email, "password": coded})
        if not answer or not isinstance(answer.get("accessToken"), str):
            raise SinkUnauthorised(
                f"The catalogue does not accept the login of {self._login.email!r}.", hint=_HINT
            )
        self._value = SecretStr(answer["accessToken"])
        refresh_token = answer.get("refreshToken")
        self._refresh = SecretStr(refresh_token) if isinstance(refresh_token, str) else None
        self._until = float("inf")
        lasts = answer.get("expiryDuration")
        if isinstance(lasts, int | float) and lasts > 2 * _EARLY:
            self._until = time.monotonic() + lasts - _EARLY
