from django.db import migrations, models

from perf.operations import AddConstraintOnline, AddFieldOnce


class Migration(migrations.Migration):
    atomic = False  # the constraint is built beside running writers on PostgreSQL

    dependencies = [("accounts", "0008_edits_of_many")]

    operations = [
        AddFieldOnce(
            model_name="bulkedit",
            name="ticket",
            field=models.UUIDField(
                help_text="Of the preview that it was started from: sent twice, it starts once.", null=True
            ),
        ),
        AddConstraintOnline(
            model_name="bulkedit",
            constraint=models.UniqueConstraint(fields=("by", "ticket"), name="bulkedit_started_once"),
        ),
    ]
