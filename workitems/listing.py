"""The list of work items: what an address asks for, and the page of items that comes of it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from django.conf import settings
from django.db.models import Q, Sum
from django.http import QueryDict
from django.utils import timezone
from ninja import Schema
from pydantic import BeforeValidator, Field, ValidationError

from perf.pagination import SeekPage, page_number, page_size, paginate
from workitems import search
from workitems.models import SORTS, StatusTotal, WorkItem, WorkItemQuerySet
from workitems.workflow import Status

State = Literal["all", "in_progress", "submitted", "in_review", "needs_revision", "awaiting_photos", "completed_review"]
Sort = Literal["date_desc", "date_asc", "item_number", "submitter"]
ANY: State = "all"
UNFINISHED: State = "in_progress"
ME, NOBODY = "me", "nobody"
DEFAULT_SORT: Sort = "date_desc"
Day = Annotated[
    Annotated[date, Field(ge=date(1900, 1, 1), le=date(9000, 1, 1))] | None, BeforeValidator(lambda raw: raw or None)
]


def _usual(value: str) -> BeforeValidator:
    """An empty field of a form means what is usual."""
    return BeforeValidator(lambda raw: raw or value)


def _cut(most: int) -> BeforeValidator:
    """A text of at most so many characters, without NUL, which PostgreSQL does not take."""
    return BeforeValidator(lambda raw: str(raw or "").replace("\0", "").strip()[:most])


class Filters(Schema):
    """Which items, in which order; what is left out or empty filters nothing. Junk in a page means the first."""

    status: Annotated[State, _usual(ANY)] = Field(ANY, description="`in_progress`: all but the completed ones.")
    assigned_to: Annotated[str, _cut(100)] = Field("", description="A name as items show it; or `me`, or `nobody`.")
    submitter: Annotated[str, _cut(100)] = Field("", description="A name as items show it.")
    location: Annotated[str, _cut(200)] = Field("", description="The whole of it.")
    since: Day = Field(None, alias="from", description="The first day of submission.")
    until: Day = Field(None, alias="to", description="The last day of submission.")
    photos: Literal["", "with", "without"] = ""
    search: Annotated[str, _cut(200)] = Field("", description="Words that all occur in the item or its captions.")
    sort: Annotated[Sort, _usual(DEFAULT_SORT)] = DEFAULT_SORT
    page: Annotated[int, BeforeValidator(page_number)] = 1
    per_page: Annotated[
        int, BeforeValidator(lambda raw: page_size(raw, settings.ITEMS_PER_PAGE, settings.MAX_ITEMS_PER_PAGE))
    ] = Field(default_factory=lambda: settings.ITEMS_PER_PAGE)
    after: Annotated[str, _cut(500)] = Field("", description="The cursor that the page before gave.")

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """The filters of a page's address; what it cannot mean filters nothing."""
        names = {field.alias or name for name, field in cls.model_fields.items()}
        given: dict[str, Any] = {name: query[name] for name in names & query.keys()}
        try:
            return cls.model_validate(given)
        except ValidationError as refused:
            refusals = {error["loc"][0] for error in refused.errors()}
            return cls.model_validate({name: value for name, value in given.items() if name not in refusals})

    @property
    def asked(self) -> dict[str, Any]:
        """What is not as usual, as an address says it; `of` takes it back."""
        said = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if self.per_page == settings.ITEMS_PER_PAGE:
            said.pop("per_page", None)
        return said

    @property
    def query(self) -> QueryDict:
        """The same as the query string that links go on from."""
        found = QueryDict(mutable=True)
        found.update({name: str(value) for name, value in self.asked.items()})
        return found

    @property
    def conditions(self) -> int:
        """How many filters are set, the search among them."""
        names = ("status", "assigned_to", "submitter", "location", "since", "until", "photos", "search")
        usual = {"status": ANY}
        return sum(getattr(self, name) not in (usual.get(name), "", None) for name in names)

    @property
    def has_more(self) -> bool:
        """Whether a filter is set that the form keeps folded up."""
        return self.conditions > (self.status != ANY) + bool(self.search)

    def narrow(self, items: WorkItemQuerySet, user: Any) -> WorkItemQuerySet:
        """Those of `items` that are meant, in no order; `user` is who `me` is."""
        exact = {"submitter_name": self.submitter, "location": self.location}
        items = items.filter(**{name: value for name, value in exact.items() if value})
        items = self._assigned(items, user)
        if self.status == UNFINISHED:
            items = items.filter(status__in=[status for status in Status if status != Status.COMPLETED_REVIEW])
        elif self.status != ANY:
            items = items.filter(status=self.status)
        if self.photos:
            items = items.filter(photo_count=0) if self.photos == "without" else items.filter(photo_count__gt=0)
        return self._within(items)

    def _assigned(self, items: WorkItemQuerySet, user: Any) -> WorkItemQuerySet:
        if self.assigned_to in (ME, NOBODY):
            return items.filter(assigned_to=user if self.assigned_to == ME else None)
        return items.filter(assigned_to_name=self.assigned_to) if self.assigned_to else items

    def _within(self, items: WorkItemQuerySet) -> WorkItemQuerySet:
        """Those submitted on the days that are meant, both included, as the product's zone counts days."""
        if self.since:
            items = items.filter(submitted_at__gte=_midnight(self.since))
        return items.filter(submitted_at__lt=_midnight(self.until + timedelta(days=1))) if self.until else items


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def page_of(filters: Filters, user: Any) -> SeekPage:
    """The page of items that `user` may see and `filters` mean; past the end the last one."""
    items, known = _meant(filters, user)
    return paginate(
        items,
        order=SORTS[filters.sort],
        page=filters.page,
        per_page=filters.per_page,
        after=filters.after,
        clamp=True,
        **known,
    )


def all_of(filters: Filters, user: Any) -> WorkItemQuerySet:
    """All items that `user` may see and `filters` mean, in their order."""
    items = filters.narrow(WorkItem.objects.visible_to(user), user)
    return search.matching(items, search.words_of(filters.search)).order_by(*SORTS[filters.sort])


def _meant(filters: Filters, user: Any) -> tuple[WorkItemQuerySet, dict[str, Any]]:
    """The items that are meant, and what is known of their number before they are counted.

    All, and those of a state: the totals by state know. Those of one filter: nothing, an index counts them. A search,
    or several filters, for which there is no index: exactly, if they are few.
    """
    items = filters.narrow(WorkItem.objects.visible_to(user), user)
    if filters.conditions == (filters.status != ANY):
        return items, {"total": _total_of(filters.status)}
    if filters.conditions == 1 and not filters.search and filters.photos != "with":
        return items, {}
    items, total = search.found(items, search.words_of(filters.search))
    return items, {"more_than": search.FEW} if total is None else {"total": total}


def _total_of(status: State) -> int:
    """How many items are in a state, or in several."""
    meant = {ANY: Q(), UNFINISHED: ~Q(status=Status.COMPLETED_REVIEW)}.get(status, Q(status=status))
    total: int = StatusTotal.objects.filter(meant).aggregate(n=Sum("items", default=0))["n"]
    return total
