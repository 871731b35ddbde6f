"""Schema history of project."""
