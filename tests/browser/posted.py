"""Pages that no address opens: what a form is answered with when it is looked at first, or is refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from itertools import cycle
from typing import Any, NamedTuple

from django.test import Client

from accounts.models import Account, BulkEdit
from perf import clock
from snapshots.judging import Ticket
from tests import factories
from tests.browser.payloads import PAYLOADS
from workitems import editing
from workitems.models import CannedReason, Photo, WorkItem


class Posted(NamedTuple):
    """The answer to a form: the address that the browser then shows, its status and its page."""

    name: str
    address: str
    status: int
    html: str
    templates: frozenset[str]


def posted(world: dict[str, Any], client: Client) -> Iterator[Posted]:
    """Each of these pages in the `world` of payloads, as `client`, who is its administrator, or the crew see them."""
    texts = cycle(PAYLOADS[::3])

    def send(name: str, address: str, by: Client = client, /, **said: Any) -> Posted:
        answer: Any = by.post(address, said, follow=True)
        shown = answer.redirect_chain[-1][0] if answer.redirect_chain else address
        templates = frozenset(str(each.name) for each in answer.templates)
        return Posted(name, shown, answer.status_code, answer.content.decode(), templates)

    yield from _of_accounts(world, texts, send, client)
    yield from _of_items(world, texts, send)
    yield from _of_crew(texts, send)
    yield send("wrong token", "/tokens/", name=next(texts)[:100], scope=next(texts))
    yield send("new token", "/tokens/", name=next(texts)[:100], scope="read", days="90")
    yield send("wrong cards", "/invitations/", role=next(texts), cards=next(texts))
    yield send("wrong sign-in", "/login/", Client(), username=next(texts)[:150], password="x")
    person = world["root"].pk
    yield send("erase", f"/admin/auth/user/{person}/erase/", name=next(texts), confirm=next(texts))
    reasons = {"action": "delete_selected", "_selected_action": CannedReason.objects.latest("pk").pk}
    yield send("delete in administration", "/admin/workitems/cannedreason/", **reasons)
    yield send("wrong in administration", "/admin/accounts/tag/add/", name="".join(next(texts) for _ in range(9)))


def _of_accounts(world: dict[str, Any], texts: Any, send: Any, client: Client) -> Iterator[Posted]:
    """Accounts, figures and scrapes."""
    account = world["account"]
    doubted = [
        factories.snapshot(factories.account("x", organization=account.organization), followers=9, quality="suspect")
        for _ in "12"
    ]
    Account.objects.filter(pk=doubted[0].account_id).update(handle=PAYLOADS[41])
    figures = [str(Ticket.of(row)) for row in doubted]
    yield send("judge", "/figures/suspect/judge/", verdict="accept", figure=figures, filters=f"platform={next(texts)}")
    sure = {"verdict": "reject", "figure": figures, "sure": "1"}
    yield send("judged, with undo", "/figures/suspect/judge/", **sure)
    chosen = f"/accounts/bulk/?account={account.pk}&account={doubted[0].account_id}&preview=1"
    change = f"{chosen}&set_organization=Parks&set_team={'a' * 9}"
    yield send("edit many, changed meanwhile", change, digest=next(texts), ticket=next(texts))
    seen = client.get(change).context
    yield send("edit many, with undo", change, digest=seen["plan"].digest, ticket=seen["ticket"])
    edit = BulkEdit.objects.latest("pk")
    Account.objects.filter(pk=doubted[0].account_id).update(updated_at=clock.now())
    yield send("edit many, taken back but for one", f"/accounts/bulk/{edit.pk}/", undo="1")
    yield send("wrong account", "/accounts/new/", address=next(texts), organization=next(texts), platform=next(texts))
    words = {"address": next(texts), "organization": next(texts), "tags": next(texts), "bio": next(texts)}
    yield send("wrong edit", f"/accounts/edit/{account.pk}/", **words)
    yield send("wrong roster", "/accounts/import/", text=next(texts))
    rows = [
        ["platform", "handle", "date", "followers", PAYLOADS[2]],
        *(["x", text, "2020-01-01", 9, ""] for text in PAYLOADS[:60]),
    ]
    csv.writer(file := StringIO()).writerows(rows)
    yield send("past figures", "/figures/import/", text=file.getvalue(), check="1")
    yield send("no past figures", "/figures/import/", text=next(texts), check="1")
    yield send("wrong note", "/notes/new/", account=next(texts), day=next(texts), text=next(texts))
    yield send("wrong scrape", "/scraping/start/", scope="accounts", accounts=next(texts))


def _of_items(world: dict[str, Any], texts: Any, send: Any) -> Iterator[Posted]:
    """Items, as a reviewer sees them."""
    root = world["root"]
    item = factories.item(root, photos=1, location=next(texts), description=next(texts), detail=next(texts))
    here = f"/workitems/{item.number}/"
    yield send("wrong words", f"{here}edit/", version=item.version, number=next(texts), location="", detail=next(texts))
    seen = item.version
    words = {"location": PAYLOADS[2], "description": next(texts), "detail": next(texts), "ofm": next(texts)}
    item = editing.edit(item, words, by=root, version=seen)
    ours = {name: next(texts) for name in ("location", "equipment", "description", "detail", "ofm")}
    yield send("edit conflict", f"{here}edit/", version=seen, number=item.number, **ours)
    taken = ours | {"preset": "typed", "number": item.number}
    yield send("number taken", "/workitems/new/", **taken)
    yield send("wrong new", "/workitems/new/", **ours | {"preset": next(texts), "number": next(texts), "location": ""})
    refused = {"status": "needs_revision", "reason": next(texts), "canned": next(texts), "version": seen}
    yield send("decision refused", f"{here}status/", **refused)
    yield send("comment refused", f"{here}comments/", text=next(texts) * 500)
    yield send("notes refused", f"{here}notes/", internal_notes=next(texts), version=seen)
    photo = Photo.objects.filter(work_item=item).earliest("pk")
    verdict = f"/workitems/photos/{photo.pk}/verdict/"
    yield send("verdict", verdict, verdict="retake", reason=next(texts))
    yield send("verdict refused", verdict, verdict="retake", reason=next(texts))
    chosen = [f"{pk}-{version}" for pk, version in WorkItem.objects.present().values_list("pk", "version")]
    many = {"act": "needs_revision", "item": chosen, "reason": next(texts)}
    yield send("many, looked at first", "/workitems/review/bulk/", **many)
    yield send("many, refused", "/workitems/review/bulk/", **many | {"reason": "", "sure": "1"})
    yield send("many, with undo", "/workitems/review/bulk/", **many | {"sure": "1"})
    yield send("wrong documents", "/workitems/documents/", numbers=next(texts))
    yield send("wrong phone", "/workitems/notices/", wants_sms="on", phone=next(texts))


def _of_crew(texts: Any, send: Any) -> Iterator[Posted]:
    """Items, as the crew see them of whom somebody was faster."""
    name = PAYLOADS[22]
    mark: Any = factories.user("crew", username=name, first_name=name, last_name=next(texts))
    by = Client()
    by.force_login(mark)
    item = factories.item(mark, location=next(texts), description=next(texts), detail=next(texts))
    reviewer = factories.user("reviewer", username=PAYLOADS[42], first_name=PAYLOADS[42])
    seen = item.version
    item = editing.edit(item, {"description": next(texts), "detail": next(texts)}, by=reviewer, version=seen)
    ours = {name: next(texts) for name in ("description", "detail", "ofm")}
    yield send("edit conflict of the crew", f"/workitems/{item.number}/edit/", by, version=seen, **ours)
    WorkItem.objects.filter(pk=item.pk).update(status="in_review")
    yield send("taken", f"/workitems/{item.number}/edit/", by, version=seen, **ours)
    others = factories.item(reviewer, location=next(texts))
    new = ours | {"location": next(texts), "preset": "typed", "number": others.number}
    yield send("number of somebody else's", "/workitems/new/", by, **new)
