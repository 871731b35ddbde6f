import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import perf.clock


class Migration(migrations.Migration):
    dependencies = [
        ("workitems", "0014_index_the_bin"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Bundle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("numbers", models.JSONField(help_text="Of the items, in the order of the file.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Being written"),
                            ("done", "Ready"),
                            ("failed", "Failed"),
                            ("expired", "Removed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=300)),
                ("done", models.PositiveIntegerField(default=0)),
                (
                    "left_out",
                    models.JSONField(default=list, help_text="What is not in it: number of the item and reason."),
                ),
                ("size", models.PositiveBigIntegerField(default=0, help_text="Bytes.")),
                ("file", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("created_at", models.DateTimeField(default=perf.clock.now)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0, editable=False)),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["owner", "-id"], name="ix_bundle_owner"),
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])), fields=["id"], name="ix_bundle_open"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(help_text="Of the item.")),
                ("file", models.FileField(blank=True, max_length=500, upload_to="documents")),
                (
                    "name",
                    models.CharField(blank=True, help_text="What it is called where it is saved.", max_length=200),
                ),
                ("left_out", models.JSONField(default=list, help_text="Photos that are not in it: number and reason.")),
                ("promised_at", models.DateTimeField(default=perf.clock.now)),
                ("made_at", models.DateTimeField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0, editable=False)),
                (
                    "work_item",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="documents",
                        to="workitems.workitem",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("made_at", None)), fields=["id"], name="ix_document_due")],
                "constraints": [models.UniqueConstraint(fields=("work_item", "version"), name="document_uniq")],
            },
        ),
    ]
