from django.db import migrations

LINES = {"postgresql": "string_agg(caption, chr(10))", "sqlite": "group_concat(caption, char(10))"}
FILL = """
UPDATE workitems_workitem SET captions = (
    SELECT {lines} FROM workitems_photo p
    WHERE p.work_item_id = workitems_workitem.id AND p.deleted_at IS NULL AND p.caption <> ''
)
WHERE id > %s AND id <= %s AND EXISTS (
    SELECT 1 FROM workitems_photo p
    WHERE p.work_item_id = workitems_workitem.id AND p.deleted_at IS NULL AND p.caption <> ''
)
"""
BATCH = 1_000  # their writers wait for no longer than these take


def fill(apps, schema_editor):
    """The captions of the photos that are there, beside their items."""
    items, cursor = apps.get_model("workitems", "WorkItem").objects, schema_editor.connection.cursor()
    statement = FILL.format(lines=LINES[schema_editor.connection.vendor])
    last = 0
    while ids := list(items.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        cursor.execute(statement, [last, ids[-1]])
        last = ids[-1]


class Migration(migrations.Migration):
    atomic = False  # a filled table is done in steps; run twice it comes to the same

    dependencies = [("workitems", "0008_captions_beside_items")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
