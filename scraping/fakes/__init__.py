"""Fake platforms over real HTTP, for the demo, tests and benchmarks."""
