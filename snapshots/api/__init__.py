"""The figures as an API, an own module per subject."""

from __future__ import annotations

from ninja import Router

from snapshots.api import coverage, exports, grid, history, notes, summary, suspects

router = Router()
for part in (summary, coverage, grid, history, notes, suspects, exports):
    router.add_router("", part.router)
