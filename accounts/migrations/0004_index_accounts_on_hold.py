from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the index is built beside running writers on PostgreSQL

    dependencies = [
        ("accounts", "0003_accounts_on_hold"),
    ]

    operations = [
        AddIndexOnline(
            model_name="account",
            index=models.Index(
                condition=models.Q(("held", ""), _negated=True), fields=["held_at", "id"], name="ix_account_held"
            ),
        ),
    ]
