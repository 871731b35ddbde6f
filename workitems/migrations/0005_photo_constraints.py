from django.db import migrations, models

from perf.operations import AddConstraintOnline, AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # index and constraints are built beside running writers on PostgreSQL

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
        AddConstraintOnline(
            model_name="photo",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key", ""), _negated=True), fields=("work_item", "key"), name="photo_key_uniq"
            ),
        ),
        AddConstraintOnline(
            model_name="photo",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["received", "processing", "ready", "refused"])),
                name="photo_state_known",
            ),
        ),
    ]
