from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_edits_of_many")]

    operations = [
        migrations.AddField(
            model_name="bulkedit",
            name="ticket",
            field=models.UUIDField(
                help_text="Of the preview that it was started from: sent twice, it starts once.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkedit",
            constraint=models.UniqueConstraint(fields=("by", "ticket"), name="bulkedit_started_once"),
        ),
    ]
