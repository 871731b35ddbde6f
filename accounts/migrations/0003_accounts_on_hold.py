from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_add_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="held",
            field=models.CharField(
                blank=True,
                choices=[("reassigned", "The handle now belongs to somebody else")],
                db_default="",
                default="",
                editable=False,
                max_length=20,
                verbose_name="on hold",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="held_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="on hold since"),
        ),
    ]
