"""What the pages of work items may cost, cold. Session, user and two of permissions are four queries of each."""

from perf.budgets import Budget

BUDGETS = [
    # The item, its photos, steps, revisions and comments.
    Budget("workitems:item", queries=9, bytes=8_000, p95=500),
    # The yard's numbers.
    Budget("workitems:new", queries=5, bytes=10_000, p95=200),
    # The item, its photos, and who sent it back.
    Budget("workitems:edit", queries=7, bytes=10_000, p95=200),
    Budget("workitems:receipt", queries=6, bytes=6_000, p95=200),
    Budget("workitems:dashboard", queries=10, bytes=10_000, p95=1_000, hit_rate=0.6),
    Budget("workitems:export", queries=6, bytes=4_000, p95=1_000),
    Budget("api:workitems", queries=8, bytes=8_000, p95=1_000, hit_rate=0.6),
    Budget("api:workitem", queries=6, bytes=2_000, p95=500),
    Budget("workitems:notices", queries=7, bytes=7_000, p95=500),
]
