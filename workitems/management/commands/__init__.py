"""Commands of workitems."""
