"""From a platform to a snapshot: ledger, limits, fetch, connectors."""
