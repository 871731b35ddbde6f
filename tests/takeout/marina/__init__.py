"""Somebody else's project, with three faults planted: see its views."""
