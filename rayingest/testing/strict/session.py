"""Who is there and who may come in: version, login, and an empty search."""

from rayingest.testing.strict import wire
from rayingest.testing.strict.http import Answer, Request, failure, reply
from rayingest.testing.strict.state import State

_LOGIN = "auth/loginRequest.json"


def version(state: State, _: Request) -> Answer:
    """GET the server's version."""
    return reply({"version": state.options.version, "revision": "strict", "timestamp": 1})


def login(state: State, request: Request) -> Answer:
    """POST an e-mail address and a password, for a token."""
    body = wire.decode(request.body)
    state.validate(_LOGIN, body, "login", "")
    token = state.accounts.login(body["email"], body["password"])
    if token is None:
        return failure(401, "You have entered an invalid email or password.")
    return reply(
        {
            "accessToken": token,
            "refreshToken": f"refresh-{token}",
            "tokenType": "Bearer",
            "expiryDuration": 3600,
        }
    )


def search(_state: State, _request: Request) -> Answer:
    """GET anything from the search index: nothing is found."""
    hits = {"total": {"value": 0, "relation": "eq"}, "hits": []}
    return reply({"hits": hits, "took": 1, "timed_out": False})
