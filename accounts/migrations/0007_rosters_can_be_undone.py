import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import perf.clock


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_index_accounts_by_tag"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RosterImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The file's name.", max_length=255)),
                (
                    "state",
                    models.CharField(
                        choices=[("checked", "Checked, not imported"), ("done", "Imported"), ("undone", "Undone")],
                        max_length=10,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=perf.clock.now, help_text="When it was imported; before that, checked."
                    ),
                ),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("all_or_nothing", models.BooleanField(default=False)),
                (
                    "content",
                    models.TextField(blank=True, help_text="The roster itself, while it may be needed again."),
                ),
                ("counts", models.JSONField(default=dict, help_text="How many lines got each verdict.")),
                (
                    "lines",
                    models.JSONField(
                        default=list, help_text="Per line: its number, what was given, the verdict and why."
                    ),
                ),
                ("made", models.JSONField(default=dict, help_text="Ids of the organisations and tags that it made.")),
                (
                    "undoing",
                    models.JSONField(default=dict, help_text="What undoing it did, and what it left and why."),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["-created_at", "-id"], name="ix_rosterimport_created")],
            },
        ),
        migrations.CreateModel(
            name="RosterChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("before", models.JSONField(editable=False, null=True)),
                ("after", models.JSONField(editable=False)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.account"
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="accounts.rosterimport",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("batch", "account"), name="rosterchange_uniq")],
            },
        ),
    ]
