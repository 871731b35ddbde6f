from django.db import migrations

from workitems import search_index


def build(apps, schema_editor):
    search_index.build(schema_editor.connection)


def drop(apps, schema_editor):
    search_index.drop(schema_editor.connection)


class Migration(migrations.Migration):
    atomic = False  # indexes are built beside running writers on PostgreSQL; run twice it comes to the same

    dependencies = [("workitems", "0010_index_what_lists_are_filtered_by")]

    operations = [migrations.RunPython(build, drop)]
