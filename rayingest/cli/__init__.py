"""The command line: arguments, output and exit codes; all work is done by `rayingest.api`."""

import gc
import os

__all__ = ["main"]

# A program that ends soon gains nothing by collecting while it imports.
RARELY = (100_000, 50, 100)


def main() -> None:
    """Run the program `rayingest`."""
    gc.set_threshold(*RARELY)
    # Nobody's plugin sees our config, and no list of all that is installed is read for them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from rayingest.cli.app import main as program

    program()
