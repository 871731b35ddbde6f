from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # indexes are built beside running writers on PostgreSQL

    dependencies = [
        ("workitems", "0001_initial"),
    ]

    operations = [
        AddIndexOnline(
            model_name="workitem",
            index=models.Index(fields=["status", "submitted_at", "id"], name="ix_workitem_status_submitted"),
        ),
        AddIndexOnline(
            model_name="workitem",
            index=models.Index(fields=["submitted_at", "id"], name="ix_workitem_submitted_at"),
        ),
        AddIndexOnline(
            model_name="workitem",
            index=models.Index(fields=["assigned_to", "status"], name="ix_workitem_assigned_to"),
        ),
        AddIndexOnline(
            model_name="workitem",
            index=models.Index(fields=["submitter_name", "id"], name="ix_workitem_submitter_name"),
        ),
        AddIndexOnline(
            model_name="workitem",
            index=models.Index(fields=["submitter"], name="ix_workitem_submitter"),
        ),
        AddIndexOnline(
            model_name="statuschange",
            index=models.Index(fields=["work_item", "changed_at"], name="ix_status_change_work_item"),
        ),
        AddIndexOnline(
            model_name="statuschange",
            index=models.Index(fields=["changed_at"], name="ix_status_change_changed_at"),
        ),
        AddIndexOnline(
            model_name="photo",
            index=models.Index(fields=["work_item", "position", "id"], name="ix_photo_work_item"),
        ),
        AddIndexOnline(
            model_name="comment",
            index=models.Index(fields=["work_item", "created_at"], name="ix_comment_work_item"),
        ),
        AddIndexOnline(
            model_name="comment",
            index=models.Index(fields=["created_at"], name="ix_comment_created_at"),
        ),
    ]
