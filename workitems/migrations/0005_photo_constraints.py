from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the index is built beside running writers on PostgreSQL

    dependencies = [("workitems", "0004_states_and_counts")]

    operations = [
        AddIndexOnline(
            model_name="photo",
            index=models.Index(
                condition=models.Q(("state__in", ["received", "processing"])),
                fields=["created_at", "id"],
                name="ix_photo_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="photo",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key", ""), _negated=True), fields=("work_item", "key"), name="photo_key_uniq"
            ),
        ),
        migrations.AddConstraint(
            model_name="photo",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["received", "processing", "ready", "refused"])),
                name="photo_state_known",
            ),
        ),
    ]
