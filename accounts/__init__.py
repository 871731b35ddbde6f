"""Tracked social profiles (not people): the registry and the roster import."""
