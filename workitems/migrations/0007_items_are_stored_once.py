from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the two do not hold the table together

    dependencies = [
        ("workitems", "0006_usual_reasons"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="workitem",
            name="key",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="The form's own name of it: sent twice, stored once.",
                max_length=64,
            ),
        ),
        migrations.AddConstraint(
            model_name="workitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key", ""), _negated=True), fields=("submitter", "key"), name="workitem_key_uniq"
            ),
        ),
    ]
