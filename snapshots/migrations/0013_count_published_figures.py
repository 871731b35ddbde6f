from django.db import migrations, models

from accounts.platforms import PLATFORM_CHOICES


class Migration(migrations.Migration):
    dependencies = [("snapshots", "0012_notes")]

    operations = [
        migrations.AddField(
            "platformtotal",
            "figures",
            models.IntegerField(default=0, help_text="How many published figures the day has, of any account."),
        ),
        migrations.CreateModel(
            name="PlatformAccounts",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("platform", models.CharField(choices=PLATFORM_CHOICES, max_length=20)),
                ("accounts", models.IntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "platform accounts",
                "constraints": [models.UniqueConstraint(fields=("platform",), name="platform_accounts_uniq")],
            },
        ),
    ]
