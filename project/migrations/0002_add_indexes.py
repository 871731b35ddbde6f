"""Indexes of the tables made in 0001."""

from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # indexes are built beside running writers on PostgreSQL

    dependencies = [("project", "0001_initial")]

    operations = [
        AddIndexOnline(
            model_name="accesstoken", index=models.Index(fields=["user", "-created_at"], name="ix_access_token_user")
        ),
        AddIndexOnline(
            model_name="auditentry", index=models.Index(fields=["created_at", "id"], name="ix_audit_created")
        ),
        AddIndexOnline(
            model_name="auditentry", index=models.Index(fields=["action", "created_at"], name="ix_audit_action")
        ),
        AddIndexOnline(
            model_name="auditentry", index=models.Index(fields=["actor", "created_at"], name="ix_audit_actor")
        ),
        AddIndexOnline(
            model_name="invitation", index=models.Index(fields=["-created_at", "-id"], name="ix_invitation_created")
        ),
    ]
