"""Addresses of the pages of figures; mounted at the root."""

from __future__ import annotations

from django.urls import path

from snapshots import views

app_name = "snapshots"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("trend/", views.trend, name="trend"),
    path("accounts/", views.accounts, name="accounts"),
    path("figures/suspect/", views.suspect, name="suspects"),
    path("figures/suspect/judge/", views.judge, name="judge"),
    path("figures/suspect/undo/<int:pk>/", views.undo, name="undo"),
    path("accounts/<str:platform>/<str:handle>/", views.account, name="account"),
]
