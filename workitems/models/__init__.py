"""The rows of work items: items, photos, what was said and done."""

from workitems.models.decisions import Decision, DecisionQuerySet
from workitems.models.files import Bundle, Document
from workitems.models.items import (
    SORTS,
    NumberCounter,
    PresetNumber,
    StatusTotal,
    StatusTotalQuerySet,
    WorkItem,
    WorkItemQuerySet,
)
from workitems.models.notices import Contact, ItemNoticeQuerySet, Notice
from workitems.models.photos import THUMBNAIL_SIDE, Photo, PhotoQuerySet, PhotoRestoration, PhotoVerdict, Upload
from workitems.models.reasons import CannedReason
from workitems.models.timeline import IN_BIN, Comment, Revision, StatusChange

__all__ = [
    "IN_BIN",
    "SORTS",
    "THUMBNAIL_SIDE",
    "Bundle",
    "CannedReason",
    "Comment",
    "Contact",
    "Decision",
    "DecisionQuerySet",
    "Document",
    "ItemNoticeQuerySet",
    "Notice",
    "NumberCounter",
    "Photo",
    "PhotoQuerySet",
    "PhotoRestoration",
    "PhotoVerdict",
    "PresetNumber",
    "Revision",
    "StatusChange",
    "StatusTotal",
    "StatusTotalQuerySet",
    "Upload",
    "WorkItem",
    "WorkItemQuerySet",
]
