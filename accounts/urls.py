"""Addresses of the pages that change the registry; mounted at accounts/, before the pages that show it."""

from __future__ import annotations

from django.urls import path

from accounts import suggestion_views, views

app_name = "accounts"

urlpatterns = [
    path("new/", views.add, name="new"),
    path("organizations/", suggestion_views.organizations, name="organizations"),
    path("import/", views.roster, name="import"),
    path("edit/<int:pk>/", views.edit, name="edit"),
    path("switch/<int:pk>/", views.switch, name="switch"),
    path("release/<int:pk>/", views.release, name="release"),
]
