from django.db import migrations, models

from accounts.platforms import PLATFORM_CHOICES

TALLY = {
    "followers": models.BigIntegerField(default=0, help_text="Sum over the accounts counted."),
    "accounts": models.IntegerField(default=0, help_text="How many accounts the sum holds."),
}
STEPS = {
    "gained": models.BigIntegerField(default=0, help_text="Sum of the changes since each account was last seen."),
    "base": models.BigIntegerField(default=0, help_text="Followers that the compared accounts had then."),
    "compared": models.IntegerField(default=0, help_text="How many accounts had been seen before."),
}


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0009_remove_unused_latest_indexes")]

    operations = [
        *(migrations.AddField("dailytotal", name, field) for name, field in STEPS.items()),
        migrations.CreateModel(
            name="PlatformTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("date", models.DateField()),
                ("platform", models.CharField(choices=PLATFORM_CHOICES, max_length=20)),
                *(TALLY | STEPS).items(),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("date", "platform"), name="platform_total_uniq")],
            },
        ),
    ]
