"""Commands of perf."""
