"""What the pages of work items may cost, cold. Session, user and two of permissions are four queries of each."""

from perf.budgets import Budget

BUDGETS = [
    # The item, its photos with verdicts and removals, steps, revisions and comments; for reviewers the usual reasons,
    # whom it can be given to, and once it is completed whether its Word file could not be made.
    Budget("workitems:item", queries=14, bytes=15_000, p95=500),
    # The totals, the count, the page with its photos, the next item twice, one's own decisions, and that item.
    Budget("workitems:review", queries=23, bytes=18_000, p95=500),
    Budget("workitems:bin", queries=11, bytes=6_000, p95=500),
    # The yard's numbers.
    Budget("workitems:new", queries=5, bytes=5_000, p95=200),
    # The item, its photos, and who sent it back.
    Budget("workitems:edit", queries=7, bytes=5_000, p95=200),
    Budget("workitems:receipt", queries=6, bytes=6_000, p95=200),
    Budget("workitems:dashboard", queries=11, bytes=10_000, p95=1_000, hit_rate=0.6),
    Budget("workitems:export", queries=6, bytes=4_000, p95=1_000),
    Budget("api:workitems", queries=8, bytes=8_000, p95=1_000, hit_rate=0.6),
    Budget("api:workitem", queries=6, bytes=2_000, p95=500),
    Budget("workitems:photo", queries=5, bytes=60_000, p95=200),
    Budget("api:item_of_form", queries=5, bytes=100, p95=200),
    Budget("api:upload", queries=5, bytes=400, p95=200),
    Budget("workitems:documents", queries=6, bytes=7_000, p95=500),
    Budget("workitems:live-documents", queries=5, bytes=2_000, p95=500),
    # The item and its photos, which are in the file; that is made while one waits.
    Budget("workitems:document", queries=6, bytes=80_000, p95=1_000),
    Budget("workitems:notices", queries=7, bytes=7_000, p95=500),
]
