from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # indexes are built beside running writers on PostgreSQL

    dependencies = [
        ("scraping", "0003_modes_and_rechecks"),
    ]

    operations = [
        AddIndexOnline(
            model_name="scrapejob",
            index=models.Index(
                condition=models.Q(("state", "due")), fields=["date", "id"], name="ix_scrapejob_left_over"
            ),
        ),
        AddIndexOnline(
            model_name="scrapejob",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["platform", "date"], name="ix_scrapejob_failed"
            ),
        ),
        AddIndexOnline(
            model_name="scrapejob",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)), fields=["finished_at"], name="ix_scrapejob_finished"
            ),
        ),
    ]
