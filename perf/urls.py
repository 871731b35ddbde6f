"""Addresses of the performance pages; a project mounts them where it likes, such as at performance/."""

from __future__ import annotations

from django.urls import path

from perf.views import beacon, families, findings, overview, queries, route, sizes

app_name = "perf"
urlpatterns = [
    path("", overview.overview, name="performance"),
    path("routes/<path:route>/", route.route, name="route"),
    path("cache/", families.cache, name="cache"),
    path("findings/", findings.findings, name="findings"),
    path("queries/", queries.queries, name="queries"),
    path("queries/<digest>/", queries.query, name="query"),
    path("queries/<digest>/explain/", queries.explain, name="explain"),
    path("indexes/", queries.indexes, name="indexes"),
    path("beacon/", beacon.beacon, name="beacon"),
    path("storage/", sizes.storage, name="storage"),
    path("processes/", sizes.processes, name="processes"),
]
