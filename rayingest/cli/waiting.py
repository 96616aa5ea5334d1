"""What `submit` does when the run is where it is to be: leave, wait, or wait and show its log."""

from dataclasses import dataclass

from rayingest.cli.kubernetes import OnInterrupt


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is done when the run is on the cluster."""

    wait: bool
    follow: bool = False
    on_interrupt: OnInterrupt | None = None
    partial_ok: bool = False
    report_json: str | None = None
    quiet: bool = False
