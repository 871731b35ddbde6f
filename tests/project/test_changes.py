"""What was done to an account, as its page tells it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from accounts.editing import edit_account
from accounts.importing import import_roster
from accounts.models import Account, Hold
from accounts.rosters import read_roster
from accounts.undoing import undo
from perf import clock
from perf.events import happened
from project import audit
from project.models import AuditEntry, AuditSubject
from snapshots.judging import judge
from tests import factories

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    """The answer's words, tags removed."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


@pytest.fixture
def editor(client: Client) -> Any:
    person = factories.user("editor", username="edith")
    client.force_login(person)
    client.person = person  # type: ignore[attr-defined]  # who acts in these tests
    return client


def told(client: Client, account: Account, query: str = "") -> str:
    return text_of(client.get(f"/changes/{account.pk}/{query}", headers={"HX-Request": "true"}))


def test_an_edit_says_who_and_from_what_to_what(editor: Any) -> None:
    account = factories.account("x", "nih", is_core=False)
    edit_account(account, editor.person, is_core=True, owner_team="Press")
    words = told(editor, account)
    assert "Changed." in words
    assert "Core account no → is now yes" in words
    assert "Owner team none → is now Press" in words
    assert "edith, just now" in words


def test_an_import_says_what_it_changed_of_this_account_and_its_undoing_too(editor: Any) -> None:
    account = factories.account("x", "nih", organization=factories.organization("Office"), url="https://x.com/nih")
    other = factories.account("x", "cdc")
    batch = import_roster(read_roster("Platform,Handle,Organization\nX,nih,Harbour\n"), by=editor.person).batch
    assert batch is not None
    assert "Imported from a roster. Organisation Office → is now Harbour" in told(editor, account)
    assert "Nothing was changed" in told(editor, other)
    undo(batch, editor.person)
    assert told(editor, account).index("roster was undone") < told(editor, account).index("Imported from")


def test_what_is_done_to_many_is_shown_with_each_and_the_entry_stays_small(editor: Any) -> None:
    accounts = [factories.account("x") for _ in range(3)]
    Account.objects.all().deactivate(editor.person)
    Account.objects.hold([accounts[2].pk], Hold.REASSIGNED)
    judge(factories.snapshot(accounts[0], quality="suspect"), accept=True, by=editor.person)
    assert "No longer scraped" in told(editor, accounts[1])
    assert "A doubted figure was accepted" in told(editor, accounts[0])
    assert "Put on hold" in told(editor, accounts[2])
    assert "Tidemark, just now" in told(editor, accounts[2])
    happened(None, "accounts.tag", "many", {"ids": list(range(1, 700)), "added": {"news": 699}})
    entry = AuditEntry.objects.latest("pk")
    assert len(entry.detail["ids"]) == audit.NAMED
    assert AuditSubject.objects.filter(entry=entry).count() == 699


def test_changes_are_paged_newest_first(editor: Any) -> None:
    account = factories.account("x", "nih")
    for number in range(12):
        edit_account(account, editor.person, owner_team=f"Team {number:02}")
    first = told(editor, account)
    assert re.findall(r"now Team (\d\d)", first) == [f"{number:02}" for number in range(11, 1, -1)]
    assert "Older" in first
    assert re.findall(r"now Team (\d\d)", told(editor, account, "?page=2")) == ["01", "00"]


def test_changes_are_for_those_who_may_change_the_account(client: Client) -> None:
    account = factories.account()
    client.force_login(factories.user("viewer"))
    assert client.get(f"/changes/{account.pk}/").status_code == 403


def test_earlier_entries_are_linked_when_the_table_is_made() -> None:
    account = factories.account()
    AuditEntry.objects.bulk_create(
        AuditEntry(action=action, detail=detail, created_at=clock.now() - timedelta(days=9))
        for action, detail in [
            ("accounts.edit", {"id": account.pk}),
            ("accounts.tag", {"ids": [account.pk, 7]}),
            ("accounts.import", {"new": 3}),
            ("auth.sign_in", {"id": account.pk}),
        ]
    )
    import_module("project.migrations.0004_link_earlier_audit_entries").link(apps, None)
    assert AuditSubject.objects.filter(account_id=account.pk).count() == 2
