"""The pages that change the registry."""

from __future__ import annotations

import re
from html import unescape

import pytest

from accounts.editing import edit_account
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


@pytest.fixture
def opened(editor):
    """An account with what its edit page, opened before somebody else changed it, will send."""
    account = factories.account("x", "nih", organization=factories.organization("NIH"))
    shown = editor.get(f"/accounts/edit/{account.pk}/").context["form"]
    given = {field.name: field.value() or "" for field in shown}
    edit_account(account, None, is_active=False, organization="HHS", tags=["closed"])
    return account, given | {"is_active": "on", "category": "Health"}


def test_an_edit_page_opened_before_another_edit_undoes_nothing(editor, opened):
    account, given = opened
    editor.post(f"/accounts/edit/{account.pk}/", given)
    account.refresh_from_db()
    assert (account.is_active, account.organization.name, account.category) == (False, "HHS", "")
    assert list(account.tags.values_list("name", flat=True)) == ["closed"]


def test_what_others_changed_is_said_beside_what_was_typed(editor, opened):
    account, given = opened
    page = editor.post(f"/accounts/edit/{account.pk}/", given)
    assert "changed by somebody else meanwhile" in text_of(page)
    stored = {name: errors[0] for name, errors in page.context["form"].errors.items() if name != "__all__"}
    assert stored == {
        "is_active": "Stored now: no.",
        "organization": "Stored now: HHS.",
        "tags": "Stored now: closed.",
        "category": "Stored now: –.",
    }
    assert 'value="Health"' in page.content.decode()


def test_whoever_saves_again_after_the_comparison_is_heard(editor, opened):
    account, given = opened
    compared = editor.post(f"/accounts/edit/{account.pk}/", given).context["form"]
    editor.post(f"/accounts/edit/{account.pk}/", given | {"seen": compared["seen"].value(), "organization": "HHS"})
    account.refresh_from_db()
    assert (account.is_active, account.organization.name, account.category) == (True, "HHS", "Health")


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


def test_a_switch_that_somebody_else_was_faster_with_changes_nothing_and_says_so(editor):
    account = factories.account("x", "nih", is_core=True)
    before = account.updated_at
    asked = {"switch": "core", "on": "1"}
    late = editor.post(f"/accounts/switch/{account.pk}/", asked, headers={"accept": "application/json"})
    assert (late.status_code, late.json()["on"]) == (409, True)
    assert "Somebody else was faster" in late.json()["message"]
    account.refresh_from_db()
    assert account.updated_at == before
    assert editor.post(f"/accounts/switch/{account.pk}/", {"switch": "pk", "on": "1"}).status_code == 404


@pytest.mark.parametrize("path", ["/accounts/new/", "/accounts/import/", "/accounts/edit/{pk}/"])
def test_viewers_change_nothing(client, db, path):
    client.force_login(factories.user("viewer"))
    path = path.format(pk=factories.account().pk)
    assert [client.get(path).status_code, client.post(path, {"text": ROSTER}).status_code] == [403, 403]


@pytest.mark.parametrize("path", ["/accounts/new/", "/accounts/import/", "/accounts/edit/{pk}/"])
def test_no_page_carries_inline_code_or_style(editor, path):
    page = editor.get(path.format(pk=factories.account(display_name='"><style>x</style>').pk)).content.decode()
    assert INLINE.findall(page) == []
