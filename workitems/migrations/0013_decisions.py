import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import perf.clock


class Migration(migrations.Migration):
    dependencies = [
        ("workitems", "0012_contacts_and_notices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("completed_review", "completed"),
                            ("needs_revision", "sent back"),
                            ("awaiting_photos", "asked for photos"),
                            ("assign", "assigned"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                (
                    "steps",
                    models.JSONField(help_text="Per item: its id, number, version after it, and what it was before."),
                ),
                ("by_name", models.CharField(max_length=100)),
                ("at", models.DateTimeField(default=perf.clock.now)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["by", "at"], name="ix_decision_by_at")],
            },
        ),
    ]
