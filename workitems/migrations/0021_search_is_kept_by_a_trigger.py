"""Databases that were migrated when 0011 made generated columns get what it makes now; elsewhere it is there."""

from django.db import migrations

from workitems import search_index


def build(apps, schema_editor):
    search_index.build(schema_editor.connection)


class Migration(migrations.Migration):
    atomic = False  # indexes are built beside running writers on PostgreSQL; run twice it comes to the same

    dependencies = [("workitems", "0020_index_old_notices")]

    operations = [migrations.RunPython(build, migrations.RunPython.noop)]
