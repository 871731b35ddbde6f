"""Schema history of perf."""
