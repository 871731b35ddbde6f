"""Addresses of the pages of work items. What stands where a number stands is in numbers.RESERVED."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from workitems import bundle_views, crew_views, item_views, list_views, notice_views
from workitems.numbers import InAddress

app_name = "workitems"
register_converter(InAddress, "number")

urlpatterns: list[URLPattern] = [
    path("", list_views.dashboard, name="dashboard"),
    path("new/", crew_views.new, name="new"),
    path("notices/", notice_views.notices, name="notices"),
    path("documents/", bundle_views.documents, name="documents"),
    path("documents/live/", bundle_views.live, name="live-documents"),
    path("documents/<int:pk>/", bundle_views.download, name="download-bundle"),
    path("documents/<int:pk>/delete/", bundle_views.delete, name="delete-bundle"),
    path("<number:number>/document/", bundle_views.document, name="document"),
    path("<number:number>/", item_views.item, name="item"),
    path("<number:number>/edit/", crew_views.edit, name="edit"),
    path("<number:number>/receipt/", crew_views.receipt, name="receipt"),
]
