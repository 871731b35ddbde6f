from django.db import migrations, models

EVENTS = [
    ("submitted", "Submitted"),
    ("assigned", "Assigned"),
    ("in_review", "In review"),
    ("needs_revision", "Needs revision"),
    ("awaiting_photos", "Awaiting photos"),
    ("sent_again", "Sent again"),
    ("completed_review", "Completed review"),
    ("reopened", "Reopened"),
    ("taken_back", "Taken back"),
    ("commented", "Commented"),
]


class Migration(migrations.Migration):
    dependencies = [("workitems", "0021_search_is_kept_by_a_trigger")]

    operations = [
        migrations.AlterField(model_name="notice", name="event", field=models.CharField(choices=EVENTS, max_length=20)),
    ]
