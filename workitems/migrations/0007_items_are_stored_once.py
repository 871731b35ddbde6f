from django.conf import settings
from django.db import migrations, models

from perf.operations import AddConstraintOnline, AddFieldOnce


class Migration(migrations.Migration):
    atomic = False  # the constraint is built beside running writers on PostgreSQL

    dependencies = [
        ("workitems", "0006_usual_reasons"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddFieldOnce(
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
        AddConstraintOnline(
            model_name="workitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key", ""), _negated=True), fields=("submitter", "key"), name="workitem_key_uniq"
            ),
        ),
    ]
