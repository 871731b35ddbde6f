from django.db import migrations, models
from django.db.models import Q

from perf.operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False  # the index is built beside running writers on PostgreSQL

    dependencies = [("workitems", "0013_decisions")]

    operations = [
        AddIndexOnline(
            model_name="workitem",
            index=models.Index(
                fields=["deleted_at", "id"], condition=Q(deleted_at__isnull=False), name="ix_workitem_in_the_bin"
            ),
        ),
    ]
