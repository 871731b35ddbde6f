from django.db import migrations, models


class Migration(migrations.Migration):
    """Instant on a table of any size: a column that may be NULL, without a default, rewrites no row."""

    dependencies = [("snapshots", "0014_fill_published_figures")]

    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="read_from",
            field=models.CharField(
                blank=True,
                choices=[("api", "the API"), ("page", "the public page")],
                help_text="NULL: by no connector, or not known by which.",
                max_length=4,
                null=True,
            ),
        ),
    ]
