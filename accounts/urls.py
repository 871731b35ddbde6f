"""Addresses of the pages that change the registry; mounted at accounts/, before the pages that show it."""

from __future__ import annotations

from django.urls import path

from accounts import roster_views, suggestion_views, views

app_name = "accounts"

urlpatterns = [
    path("new/", views.add, name="new"),
    path("organizations/", suggestion_views.organizations, name="organizations"),
    path("import/", roster_views.rosters, name="import"),
    path("import/<int:pk>/", roster_views.roster, name="roster"),
    path("import/<int:pk>/refused.csv", roster_views.refused, name="refused"),
    path("import/<int:pk>/undo/", roster_views.undo_import, name="undo-import"),
    path("edit/<int:pk>/", views.edit, name="edit"),
    path("switch/<int:pk>/", views.switch, name="switch"),
    path("release/<int:pk>/", views.release, name="release"),
]
