"""Side-by-side runs: what the predecessors did, on the same rows."""
