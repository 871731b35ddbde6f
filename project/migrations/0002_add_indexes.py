"""Indexes of the tables made in 0001."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("project", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="accesstoken", index=models.Index(fields=["user", "-created_at"], name="ix_access_token_user")
        ),
        migrations.AddIndex(
            model_name="auditentry", index=models.Index(fields=["created_at", "id"], name="ix_audit_created")
        ),
        migrations.AddIndex(
            model_name="auditentry", index=models.Index(fields=["action", "created_at"], name="ix_audit_action")
        ),
        migrations.AddIndex(
            model_name="auditentry", index=models.Index(fields=["actor", "created_at"], name="ix_audit_actor")
        ),
        migrations.AddIndex(
            model_name="invitation", index=models.Index(fields=["-created_at", "-id"], name="ix_invitation_created")
        ),
    ]
