from datetime import timedelta
from typing import Any

from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CHUNK = 1_000  # accounts per transaction: writers of figures wait for no longer than these take
NINETY_DAYS = timedelta(days=90)


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give every latest row its change over ninety days, a little at a time, locked in the order all writers lock in."""
    latest, snapshot = (apps.get_model("snapshots", name) for name in ("LatestSnapshot", "Snapshot"))
    last = 0
    while ids := list(latest.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        with transaction.atomic():
            held = latest.objects.filter(pk__in=ids).order_by("pk").select_for_update()
            rows = {row.pk: row for row in held if row.date and row.followers is not None}
            days = {row.date - NINETY_DAYS for row in rows.values()}
            found = snapshot.objects.filter(account_id__in=rows, date__in=days, quality="published")
            before = {(account, day): n for account, day, n in found.values_list("account_id", "date", "followers")}
            for row in rows.values():
                then = before.get((row.pk, row.date - NINETY_DAYS))
                row.change_90 = None if then is None else row.followers - then
            latest.objects.bulk_update(rows.values(), ["change_90"], batch_size=200)
        last = ids[-1]


class Migration(migrations.Migration):
    """Stop the workers of an earlier release first: what they record after this leaves the column as it was."""

    atomic = False

    dependencies = [("snapshots", "0007_change_over_ninety_days")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
