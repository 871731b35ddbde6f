"""What the pages of work items may cost, cold."""

from perf.budgets import Budget

BUDGETS = [
    # Session, user and two of permissions; the item, its photos, steps, revisions and comments.
    Budget("workitems:item", queries=9, bytes=8_000, p95=500),
    Budget("workitems:notices", queries=7, bytes=7_000, p95=500),
]
