from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0006_index_export_jobs")]

    operations = [
        migrations.AddField(
            model_name="latestsnapshot",
            name="change_90",
            field=models.BigIntegerField(help_text="The same, against ninety days before.", null=True),
        ),
    ]
