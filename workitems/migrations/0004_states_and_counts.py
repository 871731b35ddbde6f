from django.db import migrations

STATES = ("submitted", "in_review", "needs_revision", "awaiting_photos", "completed_review")
COUNTED = (("photo_count", "photo"), ("comment_count", "comment"))
COUNT = """
UPDATE workitems_workitem SET {column} = (
    SELECT count(*) FROM workitems_{table} c WHERE c.work_item_id = workitems_workitem.id
)
WHERE id > %s AND id <= %s
AND EXISTS (SELECT 1 FROM workitems_{table} c WHERE c.work_item_id = workitems_workitem.id)
"""
BATCH = 1_000  # their writers wait for no longer than these take


def count(apps, schema_editor):
    """The numbers by state, the numbers beside each item, and the new word for photos that failed."""
    models = {name: apps.get_model("workitems", name) for name in ("WorkItem", "StatusTotal", "Photo")}
    rename(models["Photo"], "failed", "refused")
    items, cursor = models["WorkItem"].objects, schema_editor.connection.cursor()
    last = 0
    while ids := list(items.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        for column, table in COUNTED:
            cursor.execute(COUNT.format(column=column, table=table), [last, ids[-1]])
        last = ids[-1]
    for state in STATES:
        number = items.filter(status=state, deleted_at=None).count()
        models["StatusTotal"].objects.update_or_create(status=state, defaults={"items": number})


def uncount(apps, schema_editor):
    rename(apps.get_model("workitems", "Photo"), "refused", "failed")


def rename(photos, old, new):
    photos.objects.filter(state=old).update(state=new)


class Migration(migrations.Migration):
    atomic = False  # a filled table is counted in steps; run twice it comes to the same

    dependencies = [("workitems", "0003_photos_uploads_and_revisions")]

    operations = [migrations.RunPython(count, uncount)]
