"""Addresses of the pages of figures; mounted at the root."""

from __future__ import annotations

from django.urls import path

from snapshots import (
    account_views,
    bulk_views,
    import_views,
    listing_views,
    note_views,
    overview_views,
    sidebar_views,
    suspect_views,
)
from snapshots.exports import views as exports

app_name = "snapshots"

urlpatterns = [
    path("", overview_views.overview, name="overview"),
    path("trend/", overview_views.trend, name="trend"),
    path("sidebar/", sidebar_views.sidebar, name="sidebar"),
    path("pane/", sidebar_views.pane, name="pane"),
    path("accounts/", listing_views.accounts, name="accounts"),
    path("accounts/bulk/", bulk_views.bulk, name="bulk"),
    path("accounts/bulk/<int:pk>/", bulk_views.bulk_edit, name="bulk-edit"),
    path("exports/", exports.exports, name="exports"),
    path("exports/accounts.<str:kind>", exports.listed, name="export-accounts"),
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
    path("figures/suspect/", suspect_views.suspect, name="suspects"),
    path("figures/suspect/judge/", suspect_views.judge, name="judge"),
    path("figures/suspect/undo/<int:pk>/", suspect_views.undo, name="undo"),
    path("accounts/<str:platform>/<str:handle>/", account_views.account, name="account"),
]
