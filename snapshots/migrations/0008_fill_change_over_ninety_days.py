from typing import Any

from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CHUNK = 1_000  # accounts per transaction: writers of figures wait for no longer than these take

FILL = """
UPDATE snapshots_latestsnapshot SET change_90 = followers - (
    SELECT b.followers FROM snapshots_snapshot b
    WHERE b.account_id = snapshots_latestsnapshot.account_id AND b.quality = 'published' AND b.date = {day}
) WHERE account_id BETWEEN %s AND %s
"""
DAYS = {
    "postgresql": "snapshots_latestsnapshot.date - 90",
    "sqlite": "date(snapshots_latestsnapshot.date, '-90 day')",
}


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give every latest row its change over ninety days, a little at a time, locked in the order all writers lock in."""
    connection = schema_editor.connection
    statement = FILL.format(day=DAYS[connection.vendor])
    rows = apps.get_model("snapshots", "LatestSnapshot").objects.order_by("pk")
    last = 0
    while ids := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:CHUNK]):
        with transaction.atomic(), connection.cursor() as cursor:
            list(rows.filter(pk__in=ids).select_for_update().values_list("pk"))
            cursor.execute(statement, [ids[0], ids[-1]])
        last = ids[-1]


class Migration(migrations.Migration):
    """Stop the workers of an earlier release first: what they record after this leaves the column as it was."""

    atomic = False

    dependencies = [("snapshots", "0007_change_over_ninety_days")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
