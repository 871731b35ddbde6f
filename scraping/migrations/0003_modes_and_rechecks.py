import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_index_accounts_on_hold"),
        ("scraping", "0002_add_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Recheck",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="accounts.account",
                    ),
                ),
                ("outcome", models.CharField(max_length=30)),
                ("times", models.PositiveSmallIntegerField(help_text="Days in a row with such an answer.")),
                ("since", models.DateField(help_text="The first of them.")),
                ("seen_on", models.DateField(help_text="The last of them.")),
                ("next_on", models.DateField(help_text="Not planned before this day.")),
            ],
        ),
        migrations.AddField(
            model_name="platformstate",
            name="openings",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Rests after failures, one after the other without a good call between.",
            ),
        ),
        migrations.AddField(
            model_name="scraperun",
            name="counted",
            field=models.JSONField(
                blank=True, editable=False, help_text="Its jobs per state when it closed.", null=True
            ),
        ),
        migrations.AddField(
            model_name="scraperun",
            name="left_out",
            field=models.PositiveIntegerField(
                db_default=0, default=0, help_text="Accounts on hold, which it did not ask for."
            ),
        ),
        migrations.AddField(
            model_name="scraperun",
            name="mode",
            field=models.CharField(
                choices=[
                    ("full", "Full: waits as long as it takes"),
                    ("fast", "Fast: skips what would wait longer than a minute"),
                    ("demo", "Demo: five accounts, skips what would wait longer than half a minute"),
                ],
                db_default="full",
                default="full",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="scraperun",
            name="moved",
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="Jobs that went on in another run."),
        ),
    ]
