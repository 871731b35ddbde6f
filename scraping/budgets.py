"""What the addresses about gathering may cost; see perf.budgets. Signing in (session, user, rights) is part of it."""

from perf.budgets import Budget

BUDGETS = [
    Budget("api:runs", queries=7, bytes=2_000, p95=500),
    Budget("scraping:runs", queries=14, bytes=8_000, p95=500),
    Budget("scraping:live", queries=5, bytes=2_000, p95=200),
]
