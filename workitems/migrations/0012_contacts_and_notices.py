import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import perf.clock


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("workitems", "0011_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="workitems_contact",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "phone",
                    models.CharField(
                        blank=True,
                        help_text="For text messages.",
                        max_length=16,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A\\+[1-9][0-9]{6,14}\\Z",
                                "Write the number with its country code and without spaces, such as +4915112345678.",
                            )
                        ],
                        verbose_name="mobile phone",
                    ),
                ),
                ("wants_mail", models.BooleanField(default=True, verbose_name="mail me")),
                ("wants_sms", models.BooleanField(default=True, verbose_name="text me")),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(help_text="Not sent before.")),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("given_up", models.BooleanField(default=False)),
                ("error", models.CharField(blank=True, help_text="Why the last try failed.", max_length=300)),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("submitted", "Submitted"),
                            ("assigned", "Assigned"),
                            ("in_review", "In review"),
                            ("needs_revision", "Needs revision"),
                            ("awaiting_photos", "Awaiting photos"),
                            ("sent_again", "Sent again"),
                            ("completed_review", "Completed review"),
                            ("reopened", "Reopened"),
                            ("commented", "Commented"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[("mail", "Mail"), ("sms", "Text message"), ("webhook", "Webhook")], max_length=10
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        blank=True, help_text="Mail address or phone; empty for the webhook.", max_length=254
                    ),
                ),
                ("words", models.TextField(blank=True, help_text="The reason or the comment.")),
                ("by_name", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(default=perf.clock.now, editable=False)),
                (
                    "recipient",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "work_item",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to="workitems.workitem",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("given_up", False), ("sent_at", None)),
                        fields=["due_at"],
                        name="ix_wi_notice_due",
                    ),
                    models.Index(fields=["work_item"], name="ix_wi_notice_work_item"),
                    models.Index(fields=["recipient", "-id"], name="ix_wi_notice_recipient"),
                ],
            },
        ),
    ]
