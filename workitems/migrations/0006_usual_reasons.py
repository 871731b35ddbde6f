from django.db import migrations

REASONS = {
    "needs_revision": (
        "Say exactly where it is: deck, frame and side.",
        "Describe what has to be done, not only what is wrong.",
        "This is on another item already; say what is different here.",
    ),
    "awaiting_photos": (
        "The photo is blurred. Please take it again.",
        "Please add a photo of the tag plate.",
        "Please add a photo from farther away that shows where it is.",
    ),
}


def add(apps, schema_editor):
    """The reasons that reviewers start with; administrators keep them from then on."""
    reasons = apps.get_model("workitems", "CannedReason").objects
    for status, texts in REASONS.items():
        for position, text in enumerate(texts):
            reasons.get_or_create(status=status, text=text, defaults={"position": position})


class Migration(migrations.Migration):
    dependencies = [("workitems", "0005_photo_constraints")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
