"""Django's admin on the record: what administrators add, change and delete there is told to perf.events."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from perf.events import happened


class AuditedAdmin(admin.ModelAdmin):
    """Records every save and deletion in its transaction: `subject`.add, .edit with the fields' names, or .delete."""

    subject: str

    def named(self, obj: Any) -> str:
        """What the record calls `obj`."""
        return str(obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        detail = {"id": obj.pk, "fields": form.changed_data}
        happened(request.user, f"{self.subject}.{'edit' if change else 'add'}", self.named(obj), detail)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        happened(request.user, f"{self.subject}.delete", self.named(obj), {"id": obj.pk})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        happened(request.user, f"{self.subject}.delete", f"{len(ids)} rows", {"count": len(ids), "ids": ids})
        super().delete_queryset(request, queryset)
