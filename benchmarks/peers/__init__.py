"""What others would use, each in a process of its own: prints {"accounts", "seconds", "cpu"} of the same work."""
