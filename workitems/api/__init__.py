"""The JSON API of work items, an own module per subject."""

from ninja import Router

from workitems.api import documents, items, photos, review, uploads, writing

router = Router(tags=["Work items"])
for part in (items, documents, photos, uploads, review):
    router.add_router("", part.router)

__all__ = ["router", "writing"]  # writing adds its operations to the addresses of items
