import django.db.models.deletion
from django.db import migrations, models

import perf.clock


class Migration(migrations.Migration):
    dependencies = [
        ("perf", "0003_recorded"),
    ]

    operations = [
        migrations.CreateModel(
            name="KnownQuery",
            fields=[
                (
                    "digest",
                    models.CharField(
                        help_text="Stands for the shape.", max_length=32, primary_key=True, serialize=False
                    ),
                ),
                ("shape", models.TextField(help_text="With ? for each value.")),
                (
                    "template",
                    models.TextField(
                        blank=True,
                        help_text="With %s for each value, as a database can plan it; empty where it cannot.",
                    ),
                ),
                ("first_at", models.DateTimeField(default=perf.clock.now)),
                ("last_at", models.DateTimeField(default=perf.clock.now, help_text="To some minutes.")),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="QueryPlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("route", models.CharField(help_text="A URL name or a task.", max_length=200)),
                ("place", models.CharField(help_text="File and line.", max_length=255)),
                ("function", models.CharField(blank=True, max_length=200)),
                (
                    "advice",
                    models.TextField(blank=True, help_text="What to do where it ran again and again, as a guess."),
                ),
                ("slowest", models.FloatField(default=0, help_text="Seconds of the slowest run.")),
                ("slowest_at", models.DateTimeField(blank=True, null=True)),
                (
                    "request",
                    models.FloatField(default=0, help_text="Seconds of the whole request with the slowest run."),
                ),
                ("queries", models.PositiveIntegerField(default=0, help_text="How many queries that request ran.")),
                ("times", models.PositiveIntegerField(default=0, help_text="The most runs in one request.")),
                ("times_at", models.DateTimeField(blank=True, null=True)),
                (
                    "query",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="places",
                        to="perf.knownquery",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("query", "route", "place"), name="query_place_uniq")],
            },
        ),
        migrations.CreateModel(
            name="QueryPlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=perf.clock.now)),
                ("server", models.CharField(help_text="Which database said so.", max_length=100)),
                ("text", models.TextField()),
                (
                    "cost",
                    models.FloatField(blank=True, help_text="In the planner's units; SQLite tells none.", null=True),
                ),
                (
                    "query",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="plans",
                        to="perf.knownquery",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["query", "at"], name="ix_queryplan_query_at")],
            },
        ),
    ]
