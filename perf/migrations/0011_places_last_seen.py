from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("perf", "0010_known_queries"),
    ]

    operations = [
        migrations.AddField(
            model_name="queryplace",
            name="last_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When it last ran, to some minutes; unknown of those written before this was.",
                null=True,
            ),
        ),
    ]
