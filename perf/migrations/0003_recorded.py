"""Tables of what is recorded: arrivals, and rings of minutes, hours and days."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("perf", "0002_page_views"),
    ]

    operations = [
        migrations.CreateModel(
            name="Arrival",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="The minute, in UTC.")),
                (
                    "kind",
                    models.CharField(
                        help_text="Histograms, counts or levels: a key of perf.series.KINDS.", max_length=1
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="LabelSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("labels", models.TextField(unique=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Turn",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("taken_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Days0",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_days0")],
            },
        ),
        migrations.CreateModel(
            name="Days1",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_days1")],
            },
        ),
        migrations.CreateModel(
            name="Days2",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_days2")],
            },
        ),
        migrations.CreateModel(
            name="Hours0",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_hours0")],
            },
        ),
        migrations.CreateModel(
            name="Hours1",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_hours1")],
            },
        ),
        migrations.CreateModel(
            name="Hours2",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_hours2")],
            },
        ),
        migrations.CreateModel(
            name="Hours3",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_hours3")],
            },
        ),
        migrations.CreateModel(
            name="Minutes0",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_minutes0")],
            },
        ),
        migrations.CreateModel(
            name="Minutes1",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_minutes1")],
            },
        ),
        migrations.CreateModel(
            name="Minutes2",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_minutes2")],
            },
        ),
        migrations.CreateModel(
            name="Minutes3",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.DateTimeField(help_text="When the period began, in UTC.")),
                ("kind", models.CharField(help_text="As of an arrival.", max_length=1)),
                ("name", models.CharField(max_length=100)),
                ("data", models.BinaryField()),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("start", "kind", "name"), name="uq_minutes3")],
            },
        ),
    ]
