"""Who may see what perf recorded."""

from __future__ import annotations

from django.db import models


class Performance(models.Model):
    """Carries the permission to see what perf recorded; it has no rows."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [("view_performance", "Can see the performance page")]
