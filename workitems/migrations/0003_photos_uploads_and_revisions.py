import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import perf.clock
import workitems.numbers
from perf.operations import Together


class Migration(migrations.Migration):
    dependencies = [
        ("workitems", "0002_add_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CannedReason",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "status",
                    models.CharField(
                        choices=[("needs_revision", "Needs Revision"), ("awaiting_photos", "Awaiting Photos")],
                        max_length=20,
                        verbose_name="for",
                    ),
                ),
                ("text", models.CharField(max_length=500)),
                ("position", models.PositiveIntegerField(default=0, help_text="Lower comes first.")),
                ("is_offered", models.BooleanField(default=True, verbose_name="offered")),
            ],
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(help_text="Of the item after it.")),
                ("changes", models.JSONField(help_text="Name of the field → [before, after], as people read them.")),
                ("changed_by_name", models.CharField(max_length=100)),
                ("changed_at", models.DateTimeField(default=perf.clock.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="StatusTotal",
            fields=[
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("submitted", "Submitted"),
                            ("in_review", "In Review"),
                            ("needs_revision", "Needs Revision"),
                            ("awaiting_photos", "Awaiting Photos"),
                            ("completed_review", "Completed Review"),
                        ],
                        max_length=20,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("items", models.IntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Upload",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("key", models.CharField(help_text="The device's own name of the photo.", max_length=64)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("size", models.PositiveBigIntegerField(help_text="Promised, in bytes.")),
                ("sha256", models.CharField(help_text="Promised, in hexadecimal.", max_length=64)),
                ("caption", models.CharField(blank=True, max_length=500)),
                ("position", models.PositiveIntegerField(default=0)),
                ("offset", models.PositiveBigIntegerField(default=0, help_text="Bytes that are safely here.")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Arriving"), ("stored", "Stored"), ("given_up", "Given up")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("fault", models.CharField(blank=True, help_text="Why it was given up, for people.", max_length=200)),
                ("created_by_name", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(default=perf.clock.now, editable=False)),
                (
                    "touched_at",
                    models.DateTimeField(default=perf.clock.now, help_text="When something of it arrived last."),
                ),
            ],
        ),
        # Work items and photos are locked from here on, so all of it comes at once.
        Together(
            [
                migrations.AddField(
                    model_name="photo",
                    name="deleted_at",
                    field=models.DateTimeField(blank=True, null=True),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="deleted_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="format",
                    field=models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="What the content is: JPEG, PNG, WEBP or HEIF.",
                        max_length=10,
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="key",
                    field=models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="The device's own name of it: sent twice, stored once.",
                        max_length=64,
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="latitude",
                    field=models.FloatField(
                        blank=True, help_text="In degrees, as the camera says. For reviewers.", null=True
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="leased_until",
                    field=models.DateTimeField(blank=True, help_text="While a worker makes its renditions.", null=True),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="longitude",
                    field=models.FloatField(
                        blank=True, help_text="In degrees, as the camera says. For reviewers.", null=True
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="placeholder",
                    field=models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="A blur to show meanwhile, as a data: URL.",
                        max_length=1000,
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="replaces",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="workitems.photo",
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="taken_at",
                    field=models.DateTimeField(blank=True, help_text="As the camera says. For reviewers.", null=True),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="tries",
                    field=models.PositiveSmallIntegerField(db_default=0, default=0),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="verdict",
                    field=models.CharField(
                        blank=True,
                        choices=[("", "Not judged"), ("accepted", "Accepted"), ("retake", "Retake")],
                        db_default="",
                        default="",
                        max_length=10,
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="verdict_at",
                    field=models.DateTimeField(blank=True, null=True),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="verdict_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="verdict_by_name",
                    field=models.CharField(blank=True, db_default="", default="", max_length=100),
                ),
                migrations.AddField(
                    model_name="photo",
                    name="verdict_reason",
                    field=models.CharField(blank=True, db_default="", default="", max_length=500),
                ),
                migrations.AddField(
                    model_name="statuschange",
                    name="version",
                    field=models.PositiveIntegerField(editable=False, help_text="Of the item after it.", null=True),
                ),
                migrations.AddField(
                    model_name="workitem",
                    name="claimed_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="workitem",
                    name="claimed_by_name",
                    field=models.CharField(blank=True, db_default="", default="", max_length=100),
                ),
                migrations.AddField(
                    model_name="workitem",
                    name="claimed_until",
                    field=models.DateTimeField(
                        blank=True,
                        help_text="Until when a reviewer has it open; others are told, and may take it over.",
                        null=True,
                    ),
                ),
                migrations.AddField(
                    model_name="workitem",
                    name="comment_count",
                    field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
                ),
                migrations.AddField(
                    model_name="workitem",
                    name="photo_count",
                    field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
                ),
                migrations.AddField(
                    model_name="workitem",
                    name="photos_due",
                    field=models.PositiveSmallIntegerField(
                        db_default=0,
                        default=0,
                        editable=False,
                        help_text="Photos that a device promised and that are not stored yet.",
                    ),
                ),
                migrations.AlterField(
                    model_name="photo",
                    name="fault",
                    field=models.CharField(blank=True, help_text="Why it was refused, for people.", max_length=200),
                ),
                migrations.AlterField(
                    model_name="photo",
                    name="state",
                    field=models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("processing", "Processing"),
                            ("ready", "Ready"),
                            ("refused", "Refused"),
                        ],
                        default="received",
                        max_length=10,
                    ),
                ),
                migrations.AlterField(
                    model_name="presetnumber",
                    name="code",
                    field=models.CharField(max_length=50, validators=[workitems.numbers.code]),
                ),
                migrations.AlterField(
                    model_name="workitem",
                    name="number",
                    field=models.CharField(
                        blank=True,
                        help_text="Empty: the next draft.",
                        max_length=50,
                        validators=[workitems.numbers.code],
                    ),
                ),
                migrations.AddConstraint(
                    model_name="cannedreason",
                    constraint=models.UniqueConstraint(fields=("status", "text"), name="canned_reason_uniq"),
                ),
                migrations.AddField(
                    model_name="revision",
                    name="changed_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="revision",
                    name="work_item",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="workitems.workitem",
                    ),
                ),
                migrations.AddField(
                    model_name="upload",
                    name="created_by",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                migrations.AddField(
                    model_name="upload",
                    name="photo",
                    field=models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="upload",
                        to="workitems.photo",
                    ),
                ),
                migrations.AddField(
                    model_name="upload",
                    name="replaces",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="workitems.photo",
                    ),
                ),
                migrations.AddField(
                    model_name="upload",
                    name="work_item",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="uploads",
                        to="workitems.workitem",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="revision",
                    constraint=models.UniqueConstraint(fields=("work_item", "version"), name="revision_uniq"),
                ),
                migrations.AddIndex(
                    model_name="upload",
                    index=models.Index(
                        condition=models.Q(("state", "open")), fields=["touched_at"], name="ix_upload_open"
                    ),
                ),
                migrations.AddConstraint(
                    model_name="upload",
                    constraint=models.UniqueConstraint(fields=("work_item", "key"), name="upload_key_uniq"),
                ),
                migrations.AddConstraint(
                    model_name="upload",
                    constraint=models.CheckConstraint(
                        condition=models.Q(("offset__lte", models.F("size"))), name="upload_offset_within_size"
                    ),
                ),
            ]
        ),
    ]
