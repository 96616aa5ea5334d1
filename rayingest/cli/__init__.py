"""The command line: arguments, output and exit codes; all work is done by `rayingest.api`."""

from rayingest.cli.app import main

__all__ = ["main"]
