"""Addresses of the performance pages; a project mounts them where it likes, such as at performance/."""

from __future__ import annotations

from django.urls import path

from perf.views import beacon, overview, sizes

app_name = "perf"
urlpatterns = [
    path("", overview.overview, name="performance"),
    path("beacon/", beacon.beacon, name="beacon"),
    path("storage/", sizes.storage, name="storage"),
    path("processes/", sizes.processes, name="processes"),
]
