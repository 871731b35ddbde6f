from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the indexes are built beside running writers on PostgreSQL

    dependencies = [("workitems", "0015_word_files")]

    operations = [
        AddIndexOnline(model_name="photo", index=models.Index(fields=["original"], name="ix_photo_original")),
        AddIndexOnline(
            model_name="photo",
            index=models.Index(
                condition=models.Q(("replaces__isnull", False)), fields=["replaces"], name="ix_photo_replaces"
            ),
        ),
        AddIndexOnline(
            model_name="photo",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["deleted_at"], name="ix_photo_removed"
            ),
        ),
        AddIndexOnline(
            model_name="upload",
            index=models.Index(
                condition=models.Q(("replaces__isnull", False)), fields=["replaces"], name="ix_upload_replaces"
            ),
        ),
    ]
