"""What a run needs and leaves: bootstrap, the run lock, the ledger of runs, results, stale runs."""
