"""Every kind of cached answer about a small world, as a viewer gets it: from the cache, and computed anew."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.contrib.messages.storage.base import BaseStorage
from django.http import Http404
from django.test import RequestFactory
from django.urls import resolve

from accounts.checking import check_roster
from accounts.importing import import_roster
from accounts.models import Account, Hold
from accounts.rosters import Row, read_roster
from perf import clock
from snapshots.judging import judge
from snapshots.models import ImportBatch, Judgement, Note
from tests import factories

READS = {
    "summary": "/api/summary",
    "grid": "/api/grid",
    "trend": "/trend/",
    "overview": "/",
    "history": "/api/history/x/subject",
    "other history": "/api/history/x/other",
    "annotations": "/api/annotations?account=x/subject",
    "accounts": "/api/accounts",
    "tags": "/api/tags",
    "detail": "/api/accounts/x/subject",
    "other detail": "/api/accounts/x/other",
}
ROSTER = b'[{"platform": "x", "handle": "subject", "organization": "Parks"}, {"platform": "x", "handle": "newcomer"}]'
VOLATILE = re.compile(rb'name="csrfmiddlewaretoken" value="\w+"|"X-CSRFToken": "\w+"|data-ago>[^<]*<')
"""What differs between two renderings of the same page; how long ago something was, scripts keep up to date."""


class Answer(NamedTuple):
    """A status with a body, and how it was come by; pages do not say."""

    said: tuple[int, bytes]
    state: str | None


def answer_at(path: str, viewer: User) -> Answer:
    """What `viewer` gets at an address; 404 for a row that is gone."""
    request = RequestFactory().get(path)
    request.user, request.session, request._messages = viewer, {}, Silent(request)  # type: ignore[attr-defined]
    found = request.resolver_match = resolve(path.partition("?")[0])
    try:
        response: Any = found.func(request, *found.args, **found.kwargs)
    except Http404:
        return Answer((404, b""), None)
    return Answer((response.status_code, VOLATILE.sub(b"", response.content)), response.get("X-Cache"))


class World:
    """Six accounts of two offices with three days of figures, something doubted, judged, imported and on hold."""

    def __init__(self) -> None:
        self.today = clock.today()
        self.viewer: User = factories.user("viewer", password="!")  # type: ignore[assignment]  # it is django's own
        self.root: User = factories.user(is_superuser=True, is_staff=True, password="!")  # type: ignore[assignment]  # the same
        self.office, self.parks = factories.organization("Health Office"), factories.organization("Parks")
        self.emptied = factories.organization("Emptied")
        self.subject = factories.account("x", "subject", organization=self.office, display_name="Subject")
        self.other = factories.account("x", "other", organization=self.office)
        self.third = factories.account("flickr", "third", organization=self.parks)
        self.idle = factories.account("x", "idle", organization=self.office, is_active=False)
        self.roster = import_roster([Row(1, "x", "idle", organization="Parks")], by=self.root).batch
        self.draft = check_roster(read_roster(ROSTER), ROSTER.decode(), name="r", by=self.root, all_or_nothing=False)
        self.held = factories.account("x", "held", organization=self.parks, external_id="7")
        Account.objects.hold([self.held.pk], Hold.REASSIGNED)
        Account.objects.filter(pk=self.subject.pk).retag(self.root, add=["press"])
        self.other.rename("older")
        self.other.rename("other")
        for place, account in enumerate((self.subject, self.other, self.third, self.idle)):
            for ago in (1, 2, 3):
                factories.snapshot(account, self.ago(ago), 1_000 * (place + 1) - ago)
        self.doubted = factories.snapshot(self.subject, self.today, 90_000, quality="suspect")
        self.rejected = factories.snapshot(self.third, self.today, 80_000, quality="suspect")
        judge(self.rejected, accept=True, by=self.root)
        self.judgement = Judgement.objects.get()
        self.batch = self.imported()
        factories.snapshot(self.third, self.ago(9), 7, source="simulated")
        self.note = Note.write(self.root, account=self.subject, day=self.today, text="Campaign begins")
        self.gone = Note.write(self.root, account=None, day=self.today, text="Deleted")
        self.gone.remove(self.root)

    def ago(self, days: int) -> dt.date:
        return self.today - dt.timedelta(days=days)

    def imported(self) -> ImportBatch:
        """What an earlier import of past figures stored."""
        from io import BytesIO

        from snapshots.importing import import_figures
        from snapshots.past import PastFigures

        lines = f"platform,handle,date,followers\nx,subject,{self.ago(20)},555\n"
        batch = import_figures(PastFigures(BytesIO(lines.encode())), "past.csv", by=self.root).batch
        assert batch is not None
        return batch

    def read(self, name: str) -> Answer:
        """What a viewer gets at READS[name]."""
        return answer_at(READS[name], self.viewer)

    def answers(self) -> dict[str, Answer]:
        """All of READS, in their order."""
        return {name: self.read(name) for name in READS}


class Silent(BaseStorage):
    """No messages."""

    def _get(self, *args: Any, **kwargs: Any) -> tuple[list[Any], bool]:
        return [], True

    def _store(self, messages: Any, response: Any, *args: Any, **kwargs: Any) -> list[Any]:
        return []
