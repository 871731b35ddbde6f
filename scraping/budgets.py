"""What the addresses about gathering may cost; see perf.budgets. Signing in (session, user, rights) is part of it."""

from perf.budgets import Budget

BUDGETS = [
    Budget("api:runs", queries=7, bytes=2_000, p95=500),
    Budget("api:platforms", queries=10, bytes=2_000, p95=500),
    # The account with its organisation, its promise, the open job and the next try; each part of the account's page.
    Budget("scraping:standing", queries=12, bytes=2_500, p95=200),
    Budget("scraping:attempts", queries=9, bytes=2_500, p95=200),
    Budget("api:promise", queries=5, bytes=2_000, p95=500),
    Budget("api:late", queries=8, bytes=6_000, p95=500),
    Budget("scraping:runs", queries=16, bytes=8_000, p95=500),
    Budget("scraping:run", queries=12, bytes=12_000, p95=500),
    Budget("scraping:platform", queries=18, bytes=8_000, p95=500),
    Budget("scraping:late", queries=9, bytes=10_000, p95=500),
    Budget("scraping:live", queries=5, bytes=2_000, p95=200),
    Budget("scraping:capacity", queries=9, bytes=6_000, p95=2_000),
]
