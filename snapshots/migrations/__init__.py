"""Schema history of snapshots."""
