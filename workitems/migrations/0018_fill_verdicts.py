from django.db import migrations

BATCH = 1_000


def fill(apps, schema_editor):
    """The verdict that each photo has, as the first line of its history."""
    photos, verdicts = apps.get_model("workitems", "Photo"), apps.get_model("workitems", "PhotoVerdict")
    judged = photos.objects.exclude(verdict_at=None).filter(verdicts=None).order_by("pk")
    while found := list(judged[:BATCH]):
        verdicts.objects.bulk_create(
            verdicts(
                photo=photo, verdict=photo.verdict, reason=photo.verdict_reason,
                by_id=photo.verdict_by_id, by_name=photo.verdict_by_name, at=photo.verdict_at,
            ) for photo in found
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("workitems", "0017_verdicts_are_kept")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
