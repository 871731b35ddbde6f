"""The ledger: runs, jobs, attempts, permit blocks and the state of each platform."""
