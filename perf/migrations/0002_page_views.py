"""Keep how long pages took in browsers."""

from django.db import migrations, models

import perf.clock


class Migration(migrations.Migration):
    dependencies = [
        ("perf", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="PageView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "at",
                    models.DateTimeField(default=perf.clock.now, help_text="When it was told: as the page was left."),
                ),
                (
                    "route",
                    models.CharField(help_text="The page's URL name, such as snapshots:overview.", max_length=100),
                ),
                (
                    "answered_ms",
                    models.PositiveIntegerField(blank=True, help_text="Until the first byte of the page.", null=True),
                ),
                (
                    "ready_ms",
                    models.PositiveIntegerField(
                        blank=True, help_text="Until the page was parsed and its scripts had run.", null=True
                    ),
                ),
                (
                    "loaded_ms",
                    models.PositiveIntegerField(
                        blank=True, help_text="Until everything of the first view was loaded.", null=True
                    ),
                ),
                (
                    "painted_ms",
                    models.PositiveIntegerField(
                        blank=True, help_text="Until its largest part was painted (LCP).", null=True
                    ),
                ),
                (
                    "interaction_ms",
                    models.PositiveIntegerField(
                        blank=True, help_text="From the slowest press to its paint.", null=True
                    ),
                ),
                (
                    "long_tasks",
                    models.PositiveIntegerField(
                        blank=True, help_text="How often scripts held the page above 50 ms.", null=True
                    ),
                ),
                (
                    "long_ms",
                    models.PositiveIntegerField(blank=True, help_text="For how long, all together.", null=True),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["at"], name="ix_pageview_at"),
                ],
            },
        ),
    ]
