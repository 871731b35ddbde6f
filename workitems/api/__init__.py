"""The JSON API of work items, an own module per subject."""

from ninja import Router

from workitems.api import documents, items

router = Router(tags=["Work items"])
for part in (items, documents):
    router.add_router("", part.router)
