"""What Airflow does not keep of our logs: a line for each request over HTTP, of which a run makes thousands."""

import logging


def quieten() -> None:
    """In tasks and in the triggerer; Airflow itself speaks by another client."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)
