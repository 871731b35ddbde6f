from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workitems", "0007_items_are_stored_once")]

    operations = [
        migrations.AddField(
            model_name="workitem",
            name="captions",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                help_text="Of its photos, a line each, for the search.",
            ),
        ),
    ]
