"""What was measured as an API, an own module per subject; a project with django-ninja mounts the router."""

from __future__ import annotations

from ninja import Router

from perf.api import families, overview, queries, routes, sizes

router = Router(tags=["performance"])
for part in (overview, routes, families, queries, sizes):
    router.add_router("", part.router)
