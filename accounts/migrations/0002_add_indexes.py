from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # indexes are built beside running writers on PostgreSQL

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        AddIndexOnline(
            model_name="account",
            index=models.Index(fields=["handle_key"], name="ix_account_handle"),
        ),
        AddIndexOnline(
            model_name="account",
            index=models.Index(fields=["organization", "platform"], name="ix_account_organization"),
        ),
        AddIndexOnline(
            model_name="account",
            index=models.Index(fields=["is_active", "platform", "handle_key"], name="ix_account_active"),
        ),
    ]
