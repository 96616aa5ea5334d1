"""How a config and a caller's wishes say that a run is to be made."""

import os

from rayingest.api.limits import limits
from rayingest.api.wishes import Wishes, parse_failures, selection
from rayingest.config import Config
from rayingest.execute.bounding import Bounds
from rayingest.execute.plan import RetryPolicy
from rayingest.execute.start import Options


def options_of(config: Config, asked: Wishes, *, few: bool = False) -> Options:
    """The options of a run of the whole config; `few` entities are read in this process. Raises ConfigError."""
    execution = config.execution
    failures, rate = parse_failures(asked.max_failures)
    return Options(
        engine="local" if few else execution.engine,
        address=execution.address,
        parallelism=execution.parallelism,
        call_timeout=execution.call_timeout,
        job_timeout=execution.job_timeout,
        retry=RetryPolicy(
            execution.retry.maxAttempts,
            execution.retry.backoffSeconds,
            execution.retry.backoffFactor,
        ),
        bounds=Bounds(
            timeout=asked.timeout,
            max_failures=failures,
            max_failure_rate=rate,
            sink_outage=execution.sink_outage,
            source_outage=execution.source_outage,
            success_threshold=config.success_threshold,
        ),
        keeps=selection(config.service, asked.select, asked.exclude),
        limits=limits(config),
        seed=asked.seed,
        grows=os.environ.get("RAYINGEST_CLUSTER") == "own",  # launch.pods says so
    )
