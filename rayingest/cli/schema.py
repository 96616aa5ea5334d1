"""`rayingest schema`: the JSON schema of the config, for editors."""

from rayingest.cli import options, output


def schema(verbose: options.VerboseOption = False) -> None:
    """Print the JSON schema of the config, for editors."""
    import json

    from rayingest.config import json_schema

    with output.opened(None) as write:
        write((json.dumps(json_schema(), indent=2) + "\n").encode())
