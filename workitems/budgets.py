"""What the pages of work items may cost, cold. Session, user and two of permissions are four queries of each."""

from perf.budgets import Budget

BUDGETS = [
    # The item, its photos, steps, revisions and comments.
    Budget("workitems:item", queries=9, bytes=8_000, p95=500),
    # The yard's numbers.
    Budget("workitems:new", queries=5, bytes=6_000, p95=200),
    # The item, its photos, and who sent it back.
    Budget("workitems:edit", queries=7, bytes=8_000, p95=200),
    Budget("workitems:receipt", queries=6, bytes=6_000, p95=200),
]
