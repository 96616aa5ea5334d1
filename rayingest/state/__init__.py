"""Run directory, segments, ledger: what a run leaves so that nothing is lost."""
