"""The JSON API of work items: one router, of which each part of the app adds its operations."""

from ninja import Router

router = Router(tags=["Work items"])
