"""What the addresses of figures may cost; see perf.budgets. Signing in (session, user, rights) is part of it."""

from perf.budgets import Budget

BUDGETS = [
    Budget("api:summary", queries=5, bytes=4_000, p95=1_000, hit_rate=0.8),
    Budget("api:grid", queries=6, bytes=3_600, p95=1_000, hit_rate=0.8),
    Budget("api:history", queries=6, bytes=4_000, p95=1_000, hit_rate=0.8),
    Budget("api:histories", queries=6, bytes=8_000, p95=1_000, hit_rate=0.6),
    Budget("api:annotations", queries=8, bytes=4_000, p95=1_000),
    Budget("snapshots:new-note", queries=5, bytes=5_000, p95=500),
    Budget("snapshots:note", queries=5, bytes=5_000, p95=500),
    Budget("api:coverage", queries=12, bytes=4_000, p95=1_000),
    Budget("snapshots:overview", queries=17, bytes=7_000, p95=1_000),
    Budget("snapshots:trend", queries=6, bytes=4_000, p95=1_000),
    Budget("snapshots:sidebar", queries=9, bytes=5_000, p95=1_000, hit_rate=0.6),
    Budget("snapshots:pane", queries=9, bytes=4_000, p95=500),
    Budget("snapshots:accounts", queries=11, bytes=9_000, p95=1_000),
    Budget("snapshots:export-accounts", queries=8, bytes=6_000, p95=1_000),
    Budget("snapshots:bulk", queries=12, bytes=8_000, p95=2_000),
    Budget("snapshots:bulk-edit", queries=9, bytes=4_000, p95=500),
    Budget("api:suspect_list", queries=6, bytes=4_000, p95=500),
    Budget("snapshots:suspects", queries=10, bytes=8_000, p95=500),
    # Two of them tell why days have no figure: the job and the recheck.
    Budget("snapshots:account", queries=12, bytes=5_000, p95=1_000),
    Budget("snapshots:past", queries=5, bytes=5_000, p95=500),
    Budget("snapshots:exports", queries=5, bytes=6_000, p95=500),
    Budget("snapshots:live-exports", queries=5, bytes=2_000, p95=500),
    Budget("api:exports", queries=6, bytes=2_000, p95=500),
]
