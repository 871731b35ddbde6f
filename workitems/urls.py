"""Addresses of the pages of work items. What stands where a number stands is in numbers.RESERVED."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from workitems import (
    bin_views,
    bulk_views,
    bundle_views,
    crew_views,
    item_views,
    list_views,
    notice_views,
    photo_views,
    review_views,
)


class PhotoSize(StringConverter):
    """As which of its files a photo is asked for."""

    regex = "original|picture|thumb"


app_name = "workitems"
register_converter(PhotoSize, "photo_size")

urlpatterns: list[URLPattern] = [
    path("", list_views.dashboard, name="dashboard"),
    path("export.csv", list_views.export, name="export"),
    path("new/", crew_views.new, name="new"),
    path("review/", review_views.review, name="review"),
    path("review/bulk/", bulk_views.decide_about_many, name="bulk"),
    path("review/decisions/<int:pk>/undo/", bulk_views.take_back, name="undo"),
    path("bin/", bin_views.bin_page, name="bin"),
    path("photos/<int:pk>/verdict/", review_views.verdict, name="verdict"),
    path("photos/<int:pk>/restore/", photo_views.restore, name="photo-restore"),
    path("photos/<int:pk>/<photo_size:size>/", photo_views.photo, name="photo"),
    path("uploads/<uuid:upload_id>/give-up/", photo_views.give_up, name="upload-give-up"),
    path("notices/", notice_views.notices, name="notices"),
    path("documents/", bundle_views.documents, name="documents"),
    path("documents/live/", bundle_views.live, name="live-documents"),
    path("documents/<int:pk>/", bundle_views.download, name="download-bundle"),
    path("documents/<int:pk>/delete/", bundle_views.delete, name="delete-bundle"),
    path("<number:number>/document/", bundle_views.document, name="document"),
    path("<number:number>/document/again/", bundle_views.make_again, name="document-again"),
    path("<number:number>/", item_views.item, name="item"),
    path("<number:number>/status/", review_views.status, name="status"),
    path("<number:number>/comments/", item_views.comment, name="comment"),
    path("<number:number>/assign/", item_views.assign, name="assign"),
    path("<number:number>/notes/", item_views.notes, name="notes"),
    path("<number:number>/claim/", review_views.claim, name="claim"),
    path("<number:number>/delete/", bin_views.delete, name="delete"),
    path("<number:number>/restore/", bin_views.restore, name="restore"),
    path("<number:number>/destroy/", bin_views.destroy, name="destroy"),
    path("<number:number>/edit/", crew_views.edit, name="edit"),
    path("<number:number>/receipt/", crew_views.receipt, name="receipt"),
]
