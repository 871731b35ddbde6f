"""The pages that change the registry."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account
from tests import factories

INLINE = re.compile(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", re.IGNORECASE)
ROSTER = "Platform,Handle,Organization\nX,CDCgov,CDC\nX,CDCgov,CDC\nMySpace,tom,CDC\n"


def text_of(response):
    """The page's words, tags removed."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


@pytest.fixture
def editor(client, db):
    client.force_login(factories.user("editor"))
    return client


def test_adding_an_address_leads_to_the_new_account(editor):
    given = {"address": "https://x.com/CDCgov", "organization": "CDC", "is_active": "on"}
    response = editor.post("/accounts/new/", given)
    assert response["Location"] == "/accounts/x/CDCgov/"
    assert Account.objects.get().organization.name == "CDC"


def test_adding_what_is_tracked_already_links_to_it_and_stores_nothing(editor):
    factories.account("x", "CDCgov")
    response = editor.post("/accounts/new/", {"address": "https://x.com/cdcgov", "organization": "Other"})
    assert 'href="/accounts/x/CDCgov/"' in response.content.decode()
    assert "already in the registry" in text_of(response)
    assert Account.objects.count() == 1


def test_a_refused_address_keeps_what_was_typed(editor):
    given = {"address": "https://x.com/CDCgov/status/1", "organization": "Harbour Office"}
    response = editor.post("/accounts/new/", given)
    assert response.status_code == 200
    assert 'value="Harbour Office"' in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Account.objects.exists()


def test_a_rename_leads_to_the_new_address_and_the_old_one_redirects(editor):
    account = factories.account("x", "CDC_old", organization=factories.organization("CDC"))
    given = {"address": "CDCgov", "organization": "CDC", "is_active": "on"}
    response = editor.post(f"/accounts/edit/{account.pk}/", given)
    assert response["Location"] == "/accounts/x/CDCgov/"
    old = editor.get("/accounts/x/CDC_old/")
    assert (old.status_code, old["Location"]) == (301, "/accounts/x/CDCgov/")


@pytest.mark.parametrize(("on", "stored"), [("1", True), ("", False)])
def test_the_switch_answers_a_script_with_what_is_stored_now(editor, on, stored):
    account = factories.account("x", "nih", is_active=not stored)
    response = editor.post(
        f"/accounts/switch/{account.pk}/", {"switch": "active", "on": on}, headers={"accept": "application/json"}
    )
    assert response.json()["on"] is stored
    account.refresh_from_db()
    assert account.is_active is stored


def test_the_switch_works_without_a_script(editor):
    account = factories.account("x", "nih")
    response = editor.post(f"/accounts/switch/{account.pk}/", {"switch": "active", "on": ""}, follow=True)
    assert "no longer scraped; its figures stay" in text_of(response)


def test_checking_a_roster_tells_every_line_and_writes_nothing(editor):
    response = editor.post("/accounts/import/", {"text": ROSTER, "check": ""})
    page = text_of(response)
    assert "1 new · 0 updated · 0 unchanged · 1 twice in the roster · 1 refused" in page
    assert "is not a platform Tidemark knows" in page
    assert "Import 1 account" in page
    assert [line.verdict for line in response.context["lines"]] == ["refused", "duplicate", "new"]
    assert not Account.objects.exists()


def test_what_was_checked_from_a_file_can_be_imported_without_choosing_it_again(editor):
    file = SimpleUploadedFile("roster.csv", ROSTER.encode())
    checked = editor.post("/accounts/import/", {"file": file, "check": ""})
    text = checked.context["again"]["text"].value()
    done = editor.post("/accounts/import/", {"text": text, "import": ""})
    assert "Imported" in text_of(done)
    assert [account.handle for account in Account.objects.all()] == ["CDCgov"]


def test_a_roster_too_large_for_the_page_is_asked_for_again(editor):
    lines = "".join(f"https://x.com/station{number:07}\n" for number in range(20_000))
    checked = editor.post("/accounts/import/", {"file": SimpleUploadedFile("r.txt", lines.encode()), "check": ""})
    assert len(checked.content) < 200_000
    assert "choose the file again" in text_of(checked)
    assert "200 of 20,000 lines are shown" in text_of(checked)


def test_all_or_nothing_writes_nothing_when_a_line_is_refused(editor):
    response = editor.post("/accounts/import/", {"text": ROSTER, "import": "", "all_or_nothing": "on"})
    assert "Nothing was written" in text_of(response)
    assert not Account.objects.exists()


def test_an_unreadable_roster_says_where(editor):
    response = editor.post("/accounts/import/", {"text": '[{"platform": ', "check": ""})
    assert response.context["form"].non_field_errors()
    assert not Account.objects.exists()


@pytest.mark.parametrize("path", ["/accounts/new/", "/accounts/import/", "/accounts/edit/{pk}/"])
def test_viewers_change_nothing(client, db, path):
    client.force_login(factories.user("viewer"))
    path = path.format(pk=factories.account().pk)
    assert [client.get(path).status_code, client.post(path, {"text": ROSTER}).status_code] == [403, 403]


@pytest.mark.parametrize("path", ["/accounts/new/", "/accounts/import/", "/accounts/edit/{pk}/"])
def test_no_page_carries_inline_code_or_style(editor, path):
    page = editor.get(path.format(pk=factories.account(display_name='"><style>x</style>').pk)).content.decode()
    assert INLINE.findall(page) == []
