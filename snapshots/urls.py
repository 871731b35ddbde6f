"""Addresses of the pages of figures; mounted at the root."""

from __future__ import annotations

from django.urls import path

from snapshots import import_views, note_views, views
from snapshots.exports import views as exports

app_name = "snapshots"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("trend/", views.trend, name="trend"),
    path("accounts/", views.accounts, name="accounts"),
    path("exports/", exports.exports, name="exports"),
    path("exports/start/", exports.start, name="start-export"),
    path("exports/live/", exports.live, name="live-exports"),
    path("exports/<int:pk>/file/", exports.download, name="download-export"),
    path("exports/<int:pk>/delete/", exports.delete, name="delete-export"),
    path("notes/new/", note_views.add_note, name="new-note"),
    path("notes/<int:pk>/", note_views.note, name="note"),
    path("notes/<int:pk>/delete/", note_views.delete_note, name="delete-note"),
    path("notes/<int:pk>/restore/", note_views.restore_note, name="restore-note"),
    path("figures/import/", import_views.past, name="past"),
    path("figures/import/<int:pk>/undo/", import_views.undo_import, name="undo-import"),
    path("figures/suspect/", views.suspect, name="suspects"),
    path("figures/suspect/judge/", views.judge, name="judge"),
    path("figures/suspect/undo/<int:pk>/", views.undo, name="undo"),
    path("accounts/<str:platform>/<str:handle>/", views.account, name="account"),
]
