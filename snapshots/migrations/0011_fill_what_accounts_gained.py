from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GAINED = """
WITH steps AS (
    SELECT s.date, l.platform, l.organization_id, s.followers,
    lag(s.followers) OVER (PARTITION BY s.account_id ORDER BY s.date) AS base
    FROM snapshots_snapshot s JOIN snapshots_latestsnapshot l ON l.account_id = s.account_id
    WHERE s.quality = 'published' AND s.followers IS NOT NULL AND l.is_active
),
sums AS (
    SELECT date, platform, organization_id,
    coalesce(sum(followers - base), 0) AS gained, coalesce(sum(base), 0) AS base, count(base) AS compared
    FROM steps GROUP BY date, platform, organization_id
)
UPDATE snapshots_dailytotal SET gained = sums.gained, base = sums.base, compared = sums.compared FROM sums
WHERE snapshots_dailytotal.date = sums.date AND snapshots_dailytotal.platform = sums.platform
AND snapshots_dailytotal.organization_id = sums.organization_id
"""
PLATFORMS = """
INSERT INTO snapshots_platformtotal (date, platform, followers, accounts, gained, base, compared)
SELECT date, platform, sum(followers), sum(accounts), sum(gained), sum(base), sum(compared)
FROM snapshots_dailytotal GROUP BY date, platform
"""


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Count what accounts gained, and the platforms' totals, from the days that are there."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM snapshots_platformtotal")
        cursor.execute(GAINED)
        cursor.execute(PLATFORMS)


class Migration(migrations.Migration):
    """Stop the workers of an earlier release first: what they record after this is not counted as gained.

    About ten seconds per million figures; nothing is locked but the totals.
    """

    dependencies = [("snapshots", "0010_what_accounts_gained_per_day")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
