from django.db import migrations, models

from perf.operations import AddIndexOnline, RemoveIndexOnline

COUNTED = (
    ("ix_workitem_by_status", ["status", "submitted_at", "id"]),
    ("ix_workitem_by_date", ["submitted_at", "id"]),
    ("ix_workitem_by_submitter", ["submitter_name", "id"]),
    ("ix_workitem_by_assignee", ["assigned_to_name", "submitted_at", "id"]),
    ("ix_workitem_by_location", ["location", "submitted_at", "id"]),
)
REPLACED = ("ix_workitem_status_submitted", "ix_workitem_submitted_at", "ix_workitem_submitter_name")


class Migration(migrations.Migration):
    atomic = False  # indexes are built beside running writers on PostgreSQL

    dependencies = [("workitems", "0009_fill_captions")]

    operations = [
        *(
            AddIndexOnline("workitem", models.Index(fields=fields, include=["deleted_at"], name=name))
            for name, fields in COUNTED
        ),
        AddIndexOnline(
            "workitem",
            models.Index(
                fields=["submitted_at", "id"],
                include=["deleted_at"],
                condition=models.Q(photo_count=0),
                name="ix_workitem_without_photos",
            ),
        ),
        *(RemoveIndexOnline("workitem", name) for name in REPLACED),
    ]
