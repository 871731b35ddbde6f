from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("scraping", "0003_keep_alerts_and_hours")]

    operations = [
        AddIndexOnline(
            model_name="scrapejob",
            index=models.Index(fields=["finished_at"], name="ix_scrapejob_finished"),
        ),
    ]
