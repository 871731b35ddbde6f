from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the index is built beside running writers on PostgreSQL

    dependencies = [("workitems", "0019_removals_are_kept")]

    operations = [
        AddIndexOnline(model_name="notice", index=models.Index(fields=["created_at"], name="ix_wi_notice_created_at")),
    ]
