from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

FIGURES = """
INSERT INTO snapshots_platformtotal (date, platform, figures, followers, accounts, gained, base, compared)
SELECT s.date, l.platform, count(*), 0, 0, 0, 0, 0
FROM snapshots_snapshot s JOIN snapshots_latestsnapshot l ON l.account_id = s.account_id
WHERE s.quality = 'published' GROUP BY s.date, l.platform
ON CONFLICT (date, platform) DO UPDATE SET figures = excluded.figures
"""
ACCOUNTS = """
INSERT INTO snapshots_platformaccounts (platform, accounts)
SELECT platform, count(*) FROM snapshots_latestsnapshot WHERE date IS NOT NULL GROUP BY platform
"""


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Count the published figures of each day and platform, and the accounts that have any."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("UPDATE snapshots_platformtotal SET figures = 0")
        cursor.execute("DELETE FROM snapshots_platformaccounts")
        cursor.execute(FIGURES)
        cursor.execute(ACCOUNTS)


def forget(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Leave no totals of days without an active account's figure: an earlier release takes them for gaps."""
    apps.get_model("snapshots", "PlatformTotal").objects.filter(accounts=0).delete()


class Migration(migrations.Migration):
    """Stop the workers of an earlier release first: they cannot write these totals.

    About a second per million figures; nothing is locked but the totals.
    """

    dependencies = [("snapshots", "0013_count_published_figures")]

    operations = [migrations.RunPython(fill, forget)]
