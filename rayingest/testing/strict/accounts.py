"""Who may call: bearer tokens and the logins that hand them out."""

import base64
import binascii
import secrets


class Accounts:
    """The tokens that are good, and the e-mail addresses and passwords that earn one."""

    def __init__(self, token: str | None, logins: dict[str, str]) -> None:
        self.required = token is not None
        self.logins = logins
        self.tokens = {token} if token is not None else set()
        self.forbidden = False

    def accepts(self, authorization: str) -> bool:
        """Whether an Authorization header is good enough."""
        return not self.required or authorization.removeprefix("Bearer ") in self.tokens

    def set_token(self, token: str) -> None:
        """From now on this token is the good one."""
        self.required, self.tokens = True, {token}

    def expire(self) -> None:
        """No token is good any longer, until a login or `set_token`."""
        self.required, self.tokens = True, set()

    def login(self, email: str, password: str) -> str | None:
        """A new token for the right password, which travels in base64."""
        try:
            plain = base64.b64decode(password, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        if self.logins.get(email) != plain:
            return None
        token = f"token-{secrets.token_hex(8)}"
        self.tokens.add(token)
        return token
