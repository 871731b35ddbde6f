import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_index_accounts_on_hold"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50)),
                ("key", models.CharField(editable=False, max_length=200, verbose_name="name")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("key",), name="tag_key_uniq")],
            },
        ),
        migrations.CreateModel(
            name="AccountTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.account",
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.tag",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "tag"), name="account_tag_uniq")],
            },
        ),
        migrations.AddField(
            model_name="account",
            name="tags",
            field=models.ManyToManyField(
                blank=True, related_name="accounts", through="accounts.AccountTag", to="accounts.tag"
            ),
        ),
    ]
