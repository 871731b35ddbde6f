"""What the registry's answers may cost, cold."""

from perf.budgets import Budget

BUDGETS = [
    # Session, user and two of permissions; then the count and the page, or the account, its details, tags and handles.
    Budget("api:list_accounts", queries=6, bytes=25_000, p95=200, hit_rate=0.8),
    Budget("api:account", queries=8, bytes=2_000, p95=100, hit_rate=0.8),
    Budget("accounts:organizations", queries=5, bytes=1_000, p95=100),
    Budget("api:list_tags", queries=5, bytes=10_000, p95=100, hit_rate=0.8),
    # The form, and the newest imports with who made them; a roster with a page of its lines.
    Budget("accounts:import", queries=6, bytes=4_000, p95=200),
]
