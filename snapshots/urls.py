"""Addresses of the pages of figures; mounted at the root."""

from __future__ import annotations

from django.urls import path

from snapshots import bulk_views, import_views, listing_views, views
from snapshots.exports import views as exports

app_name = "snapshots"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("trend/", views.trend, name="trend"),
    path("accounts/", listing_views.accounts, name="accounts"),
    path("accounts/bulk/", bulk_views.bulk, name="bulk"),
    path("accounts/bulk/<int:pk>/", bulk_views.bulk_edit, name="bulk-edit"),
    path("exports/", exports.exports, name="exports"),
    path("exports/accounts.<str:kind>", exports.listed, name="export-accounts"),
    path("exports/start/", exports.start, name="start-export"),
    path("exports/live/", exports.live, name="live-exports"),
    path("exports/<int:pk>/file/", exports.download, name="download-export"),
    path("exports/<int:pk>/delete/", exports.delete, name="delete-export"),
    path("figures/import/", import_views.past, name="past"),
    path("figures/import/<int:pk>/undo/", import_views.undo_import, name="undo-import"),
    path("figures/suspect/", views.suspect, name="suspects"),
    path("figures/suspect/judge/", views.judge, name="judge"),
    path("figures/suspect/undo/<int:pk>/", views.undo, name="undo"),
    path("accounts/<str:platform>/<str:handle>/", views.account, name="account"),
]
