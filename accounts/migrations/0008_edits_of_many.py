import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import perf.clock


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_rosters_can_be_undone"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=perf.clock.now)),
                ("wanted", models.JSONField(help_text="What every account is given; see accounts.bulk.Wanted.")),
                ("total", models.PositiveIntegerField(help_text="How many accounts it is to change.")),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BulkEditPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("ids", models.JSONField(help_text="The accounts to change.")),
                ("size", models.PositiveIntegerField()),
                (
                    "before",
                    models.JSONField(default=dict, help_text="Account id → what it had, of those that were changed."),
                ),
                ("changed", models.PositiveIntegerField(default=0)),
                ("stamp", models.DateTimeField(null=True)),
                ("is_applied", models.BooleanField(default=False)),
                ("is_undone", models.BooleanField(default=False)),
                ("restored", models.PositiveIntegerField(default=0)),
                (
                    "kept",
                    models.JSONField(default=list, help_text="The accounts that an undo left alone: changed since."),
                ),
                (
                    "edit",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="accounts.bulkedit",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="bulkedit",
            constraint=models.CheckConstraint(
                condition=models.Q(("undone_at", None), ("undone_at__gte", models.F("at")), _connector="OR"),
                name="bulkedit_undone_later",
            ),
        ),
        migrations.AddConstraint(
            model_name="bulkeditpart",
            constraint=models.UniqueConstraint(fields=("edit", "number"), name="bulkeditpart_uniq"),
        ),
    ]
