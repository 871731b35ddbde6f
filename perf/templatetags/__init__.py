"""Template tags of perf."""
