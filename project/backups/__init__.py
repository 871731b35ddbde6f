"""Backups: one state of the database as text, the files that its rows name, and a manifest with a hash of each."""
