from django.db import migrations

from perf.operations import RemoveIndexOnline


class Migration(migrations.Migration):
    """Pages filter by the account's own platform and organisation; these cost every recorded figure two entries."""

    atomic = False

    dependencies = [
        ("snapshots", "0008_fill_change_over_ninety_days"),
    ]

    operations = [
        RemoveIndexOnline("latestsnapshot", "ix_latest_organization"),
        RemoveIndexOnline("latestsnapshot", "ix_latest_platform"),
    ]
