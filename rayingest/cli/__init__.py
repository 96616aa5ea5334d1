"""The command line: arguments, output and exit codes; all work is done by `rayingest.api`."""

import gc

__all__ = ["main"]

# A program that ends soon gains nothing by collecting while it imports.
RARELY = (100_000, 50, 100)


def main() -> None:
    """Run the program `rayingest`."""
    gc.set_threshold(*RARELY)
    from rayingest.cli.app import main as program

    program()
