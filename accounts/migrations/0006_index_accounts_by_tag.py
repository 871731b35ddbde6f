from django.db import migrations, models

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the index is built beside running writers on PostgreSQL

    dependencies = [
        ("accounts", "0005_tags"),
    ]

    operations = [
        AddIndexOnline(
            model_name="accounttag",
            index=models.Index(fields=["tag", "account"], name="ix_account_tag_tag"),
        ),
    ]
