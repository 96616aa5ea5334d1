"""The flags that several commands share, each described once."""

from typing import Annotated, Literal

import typer

from rayingest.cli.values import duration

Progress = Literal["auto", "rich", "log", "none"]
LogFormat = Literal["text", "json"]
Engine = Literal["local", "ray"]

ConfigArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="CONFIG", help="The config file; - is standard input.", show_default=False
    ),
]
ConfigOption = Annotated[
    str | None,
    typer.Option("--config", "-c", metavar="FILE", help="The config file, instead of CONFIG."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change one key of the config; may be repeated."
    ),
]
OverlayOption = Annotated[
    list[str] | None,
    typer.Option(
        "--overlay", metavar="FILE", help="Fill what the config does not say; may be repeated."
    ),
]
EngineOption = Annotated[
    Engine | None,
    typer.Option("--engine", help="Where the work is done, whatever the config says."),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="auto|local|HOST:PORT",
        help="The Ray cluster: RAY_ADDRESS, a new one on this machine, or a running one.",
    ),
]
ParallelismOption = Annotated[
    int | None,
    typer.Option("--parallelism", min=1, metavar="N", help="Pieces of work at the source at once."),
]
StateUrlOption = Annotated[
    str | None,
    typer.Option("--state-url", metavar="URL", help="Folder of runs and state; any fsspec URL."),
]
RunIdOption = Annotated[
    str | None, typer.Option("--run-id", metavar="ID", help="Name of the run (made when absent).")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout", parser=duration, metavar="4h", help="Stop after 90s, 15m, 4h; or seconds."
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Do everything; the sink validates instead of writing.")
]
PartialOkOption = Annotated[
    bool,
    typer.Option("--partial-ok", help="Exit 0 where the exit code would be 3 (partial success)."),
]
ReportOption = Annotated[
    str | None,
    typer.Option(
        "--report-json", metavar="FILE", help="Write the report of the run; - is standard output."
    ),
]
ProgressOption = Annotated[
    Progress,
    typer.Option(
        "--progress",
        help="A live display, or log lines. auto: rich on a terminal, else log.",
    ),
]
LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", help="How standard error is written.")
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say more, and show tracebacks.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only warnings and the verdict.")]
FormatOption = Annotated[
    Literal["text", "json"], typer.Option("--format", help="For people, or for programs.")
]
AllowUntestedOption = Annotated[
    bool, typer.Option("--allow-untested", help="Use a connector that nothing has tested.")
]
