"""Commands of work items."""
