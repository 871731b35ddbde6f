"""Every route keeps its budget, whatever the number of rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts import bulk
from accounts.models import Account, BulkEdit
from perf import clock
from perf.budgets import Budget, budgets, cost_of
from perf.models import KnownQuery
from perf.statements import statement
from scraping import ledger
from scraping.models import ScrapeRun
from snapshots.models import Note
from snapshots.recording import Sighting, record
from tests import factories
from tests.workitems.photo_files import photo_file
from workitems import photos, uploads
from workitems.models import Photo, Upload, WorkItem
from workitems.workflow import submit

QUERY = statement("SELECT id FROM accounts_account WHERE display_name = %s")
PATHS: dict[str, dict[str, object]] = {
    route: {"platform": "x", "handle": "handle-0"} for route in ("api:account", "api:history", "snapshots:account")
}
PATHS |= {f"workitems:{page}": {"number": "ITEM-7"} for page in ("item", "edit", "receipt", "document")}
PATHS["api:workitem"] = {"number": "ITEM-7"}
PATHS["perf:query"] = {"digest": QUERY.digest}
PATHS["scraping:platform"] = {"platform": "x"}
PATHS["snapshots:export-accounts"] = {"kind": "csv"}
QUERIES = {
    "api:histories": "?account=x/handle-0&account=x/handle-1",
    "api:annotations": "?account=x/handle-0&account=x/handle-1",
    "api:item_of_form": "?form=key",
    "snapshots:new-note": "?account=x/handle-0",
    "snapshots:bulk": "?all=1&preview=1&set_core=1&add_tags=news",
}
SENT: dict[str, dict[str, object]] = {"perf:beacon": {"route": "snapshots:overview", "painted_ms": 300}}
"""What is posted to the routes that are only posted to."""
ROWS = 120  # more than two pages of every list


@pytest.fixture
def editor(db: None, client: Client) -> Client:
    """The browser of an editor who reviews items too: figures, movers, days without a figure, a run, and items."""
    offices = [factories.organization(f"Office {number}") for number in range(ROWS // 4)]
    rows = [factories.account("x", f"handle-{number}", organization=offices[number % 30]) for number in range(ROWS)]
    month = clock.today() - timedelta(days=30)
    record(Sighting(row.pk, month, clock.now(), "observed", followers=1_010 + row.pk) for row in rows[:10])
    record(Sighting(row.pk, clock.today(), clock.now(), "observed", followers=1_000 + row.pk) for row in rows)
    ledger.request_scrape(Account.objects.all(), None)
    person = factories.user("editor")
    person.groups.add(*Group.objects.filter(name__in=["reviewer", "admin"]))
    for number in range(ROWS // 2):
        submit(WorkItem(number=f"ITEM-{number}", location="Roof", description="Loose", detail="Tighten it"), person)
    item = WorkItem.objects.order_by("pk")[0]
    photo = photos.add(item, photo_file(), by=person)
    Photo.objects.filter(pk=photo.pk).update(rendition=photo.original.name)
    uploads.promise(item, uploads.Promise(key="k", size=9, sha256="0" * 64), by=person)
    bulk.start(bulk.plan(Account.objects.all(), bulk.Wanted({"is_core": True})), person)
    Note.write(person, account=rows[0], day=clock.today(), text="Campaign begins")
    KnownQuery.objects.create(digest=QUERY.digest, shape=QUERY.shape, template=QUERY.template)
    client.force_login(person)
    client.get("/api/accounts/x/nobody")  # renews the session, as once an hour
    return client


@pytest.mark.req("A24", "B96")
@pytest.mark.parametrize("budget", budgets().values(), ids=lambda budget: budget.route)
def test_a_cold_answer_keeps_its_budget(budget: Budget, editor: Client) -> None:
    account = {"pk": Account.objects.values_list("pk", flat=True).first()}
    known = {"scraping:run": {"pk": ScrapeRun.objects.values_list("pk", flat=True).first()}}
    known |= dict.fromkeys(("scraping:standing", "scraping:attempts", "changes"), account)
    known["snapshots:bulk-edit"] = {"pk": BulkEdit.objects.values_list("pk", flat=True).first()}
    known["snapshots:note"] = {"pk": Note.objects.values_list("pk", flat=True).first()}
    known["workitems:photo"] = {"pk": Photo.objects.values_list("pk", flat=True).first(), "size": "picture"}
    known["api:upload"] = {"upload_id": Upload.objects.values_list("pk", flat=True).first()}
    address = reverse(budget.route, kwargs=(PATHS | known).get(budget.route)) + QUERIES.get(budget.route, "")
    answers: list[Any] = []

    def ask() -> Any:
        sent = SENT.get(budget.route)
        way = editor.get if sent is None else editor.post
        answers.append(way(address, sent, headers={"accept-encoding": "gzip"}))
        return answers[-1]

    cost = cost_of(ask)
    assert answers[0].status_code == (204 if budget.route in SENT else 200)
    assert budget.excess(cost) == []
