"""What the pages of the composition root may cost; see perf.budgets. Signing in is part of it."""

from perf.budgets import Budget

BUDGETS = [
    # The account, the number of its entries and a page of them, and what imports changed of it.
    Budget("changes", queries=8, bytes=2_500, p95=200),
    # One's sessions, however many, with whoever asks.
    Budget("sessions", queries=10, bytes=2_500, p95=200),
    Budget("metrics", queries=10, p95=500),
]
