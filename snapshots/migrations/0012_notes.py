import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import perf.clock


class Migration(migrations.Migration):
    """Editors' notes on days, of one account or of all."""

    dependencies = [
        ("accounts", "0006_index_accounts_by_tag"),
        ("snapshots", "0011_fill_what_accounts_gained"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("text", models.CharField(max_length=280)),
                ("author_name", models.CharField(blank=True, editable=False, max_length=150, verbose_name="by")),
                ("created_at", models.DateTimeField(default=perf.clock.now, editable=False)),
                ("edited_at", models.DateTimeField(default=perf.clock.now, editable=False)),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Empty: on all accounts.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="accounts.account",
                    ),
                ),
                (
                    "author",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["account", "day"], name="ix_note_account_day")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("text", ""), _negated=True), name="note_text_not_blank")
                ],
            },
        ),
    ]
