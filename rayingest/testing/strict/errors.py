"""What the catalogue answers when it will not do as it is asked."""


class RefusedError(Exception):
    """A request, or one row of it, is refused with an HTTP status and a reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def unknown(entity: str, key: str) -> RefusedError:
    """The answer about an entity that is not there, in the server's words."""
    return RefusedError(404, f"{entity} instance for {key} not found")
