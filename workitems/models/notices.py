"""Word of what happens to items, promised to the people it concerns; and how each of them is reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from perf import clock
from perf.outbox import OutboxQuerySet, Outgoing
from workitems.models.people import person
from workitems.workflow import WITH_CREW, Status, name_of

if TYPE_CHECKING:
    from workitems.models import Comment, StatusChange, WorkItem

VIEW = "workitems.view_workitem"  # who may no longer read items is told nothing of them
BACKEND = "django.contrib.auth.backends.ModelBackend"
LOG = 20  # notices that a person's own page lists

phone_number = RegexValidator(
    r"\A\+[1-9][0-9]{6,14}\Z", "Write the number with its country code and without spaces, such as +4915112345678."
)


class Event(models.TextChoices):
    """What a notice tells of."""

    SUBMITTED = "submitted", "Submitted"
    ASSIGNED = "assigned", "Assigned"
    IN_REVIEW = "in_review", "In review"
    NEEDS_REVISION = "needs_revision", "Needs revision"
    AWAITING_PHOTOS = "awaiting_photos", "Awaiting photos"
    SENT_AGAIN = "sent_again", "Sent again"
    COMPLETED = "completed_review", "Completed review"
    REOPENED = "reopened", "Reopened"
    TAKEN_BACK = "taken_back", "Taken back"
    COMMENTED = "commented", "Commented"


FOR_CREW = ("submitter_id", "assigned_to_id")
CONCERNS: dict[str, tuple[str, ...]] = {
    Event.SUBMITTED: (),  # the webhook alone: the queue shows reviewers what is new
    Event.ASSIGNED: ("assigned_to_id",),
    Event.IN_REVIEW: ("reviewer_id",),
    Event.NEEDS_REVISION: FOR_CREW,
    Event.AWAITING_PHOTOS: FOR_CREW,
    Event.SENT_AGAIN: ("reviewer_id",),
    Event.COMPLETED: FOR_CREW,
    Event.REOPENED: FOR_CREW,
    Event.TAKEN_BACK: FOR_CREW,  # who were told what was decided
    Event.COMMENTED: (*FOR_CREW, "reviewer_id"),
}
"""Whom each event concerns, by the item's columns."""


class Contact(models.Model):
    """How one person is told of their items. Whoever has none gets mail."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="workitems_contact"
    )
    phone = models.CharField(
        "mobile phone", max_length=16, blank=True, validators=[phone_number], help_text="For text messages."
    )
    wants_mail = models.BooleanField("mail me", default=True)
    wants_sms = models.BooleanField("text me", default=True)

    def __str__(self) -> str:
        return f"{self.user}"


class ItemNoticeQuerySet(OutboxQuerySet["Notice"]):
    """Notices: written where something happens to an item, in its transaction."""

    def of_step(self, item: WorkItem, change: StatusChange, *, is_undo: bool = False) -> None:
        """Promise word of the step `change` of `item`, or that it took another one back."""
        event, words = (Event.TAKEN_BACK, "") if is_undo else (_event_of(change), change.reason)
        self.tell(item, event, by=change.changed_by, words=words)

    def of_comment(self, comment: Comment) -> None:
        """Promise word of `comment` to the others on its item."""
        self.tell(comment.work_item, Event.COMMENTED, by=comment.author, words=comment.text)

    def tell(self, item: WorkItem, event: str, *, by: Any, words: str = "") -> None:
        """Promise word of `event` to everybody it concerns but `by`; nothing while notifications are off."""
        if not settings.ENABLE_NOTIFICATIONS:
            return
        said = {"work_item": item, "event": event, "words": words, "by_name": name_of(by)}
        rows = [self.model(due_at=clock.db_now(), **said, **to) for to in _addresses(item, event, by)]
        self.bulk_create(rows)

    def over_before(self, instant: datetime) -> ItemNoticeQuerySet:
        """Those of before `instant` that were sent or given up: what still waits is promised."""
        return self.filter(created_at__lt=instant).exclude(sent_at=None, given_up=False)

    def for_log(self, user: Any) -> ItemNoticeQuerySet:
        """The latest that `user` was or will be told, newest first."""
        return self.filter(recipient=user).select_related("work_item").order_by("-id")[:LOG]


class Notice(Outgoing):
    """One message about an item to one address."""

    class Channel(models.TextChoices):
        MAIL = "mail", "Mail"
        SMS = "sms", "Text message"
        WEBHOOK = "webhook", "Webhook"

    work_item: models.ForeignKey[WorkItem, WorkItem] = models.ForeignKey(
        "workitems.WorkItem", on_delete=models.CASCADE, related_name="notices", db_index=False
    )
    event = models.CharField(max_length=20, choices=Event)
    channel = models.CharField(max_length=10, choices=Channel)
    recipient = person()
    address = models.CharField(max_length=254, blank=True, help_text="Mail address or phone; empty for the webhook.")
    words = models.TextField(blank=True, help_text="The reason or the comment.")
    by_name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = ItemNoticeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(sent_at=None, given_up=False), name="ix_wi_notice_due"),
            models.Index(fields=["work_item"], name="ix_wi_notice_work_item"),
            models.Index(fields=["recipient", "-id"], name="ix_wi_notice_recipient"),
            models.Index(fields=["created_at"], name="ix_wi_notice_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} of {self.work_item_id}: {self.event}"

    @property
    def state(self) -> str:
        """What became of it, as one word or two."""
        if self.sent_at:
            return "sent"
        return "given up" if self.given_up else "waiting"


def _event_of(change: StatusChange) -> str:
    if change.new_status != Status.SUBMITTED:
        return Event(change.new_status)
    if not change.old_status:
        return Event.SUBMITTED
    return Event.SENT_AGAIN if change.old_status in WITH_CREW else Event.REOPENED


def _addresses(item: WorkItem, event: str, by: Any) -> Iterator[dict[str, Any]]:
    """Where word of `event` goes: channel, recipient and address of each notice."""
    if settings.WORKITEM_WEBHOOK_URL:
        yield {"channel": Notice.Channel.WEBHOOK}
    concerned = {getattr(item, column) for column in CONCERNS[event]} - {None, getattr(by, "pk", None)}
    if not concerned or not (settings.MAIL or settings.SMS):
        return
    people = get_user_model().objects.with_perm(VIEW, backend=BACKEND).filter(is_active=True, pk__in=concerned)
    for user in people.select_related("workitems_contact").order_by("pk"):
        contact = getattr(user, "workitems_contact", None) or Contact(user=user)
        if settings.MAIL and contact.wants_mail and user.email:
            yield {"channel": Notice.Channel.MAIL, "recipient": user, "address": user.email}
        if settings.SMS and contact.wants_sms and contact.phone:
            yield {"channel": Notice.Channel.SMS, "recipient": user, "address": contact.phone}
