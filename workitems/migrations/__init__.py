"""Schema history of workitems."""
