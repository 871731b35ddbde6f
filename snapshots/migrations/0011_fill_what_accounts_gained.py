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

MISSING = """
INSERT INTO snapshots_latestsnapshot
(account_id, platform, organization_id, is_active, days, source, followers_rounded)
SELECT a.id, a.platform, a.organization_id, a.is_active, 0, '', FALSE FROM accounts_account a
WHERE NOT EXISTS (SELECT 1 FROM snapshots_latestsnapshot l WHERE l.account_id = a.id)
ORDER BY a.id ON CONFLICT DO NOTHING
"""


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give each account its latest row; count what accounts gained, and the platforms' totals, from their days."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(MISSING)
        cursor.execute("DELETE FROM snapshots_platformtotal")
        cursor.execute(GAINED)
        cursor.execute(PLATFORMS)


class Migration(migrations.Migration):
    """Stop the workers of an earlier release first: what they record after this is not counted as gained.

    About ten seconds per million figures; nothing is locked but the totals.
    """

    dependencies = [("snapshots", "0010_what_accounts_gained_per_day")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
