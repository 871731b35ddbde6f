"""What the pages of the composition root may cost; see perf.budgets. Signing in is part of it."""

from perf.budgets import Budget

BUDGETS = [
    # The account, the number of its entries and a page of them, and what imports changed of it.
    Budget("changes", queries=8, bytes=2_500, p95=200),
    # One's sessions, however many, with whoever asks.
    Budget("sessions", queries=10, bytes=2_500, p95=200),
    # Whether one has a second step and how many codes are left; a secret that waits in the session for its app.
    Budget("two-steps", queries=8, bytes=6_500, p95=200),
    Budget("two-steps-set-up", queries=9, bytes=24_000, p95=300),
    Budget("metrics", queries=10, p95=500),
]
