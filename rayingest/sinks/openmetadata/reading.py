"""Read what a failed call tells."""


def cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The first exception of a kind in a chain."""
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error
