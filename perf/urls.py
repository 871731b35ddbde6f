"""Addresses of the performance app."""

from __future__ import annotations

from django.urls import path

from perf import views

app_name = "perf"
urlpatterns = [
    path("beacon/", views.beacon, name="beacon"),
]
