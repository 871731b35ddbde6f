"""Addresses of the pages of work items. What stands where a number stands is in numbers.RESERVED."""

from __future__ import annotations

from django.urls import URLPattern, path

from workitems import list_views

app_name = "workitems"

urlpatterns: list[URLPattern] = [
    path("", list_views.dashboard, name="dashboard"),
]
