"""Editing many accounts on the page: nothing before the preview, what it said after, and only by editors."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import bulk, writing
from accounts.bulk_edits import BulkEdit
from accounts.models import Account, AccountTag
from snapshots.bulk_views import LOOK_AGAIN
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/accounts/bulk/"
ALL_X = f"{PAGE}?all=1&platform=x&preview=1&set_core=1&add_tags=flu"


@pytest.fixture
def editor(client: Client) -> Client:
    """An editor's browser; three accounts on X, one of them inactive, and one on Flickr."""
    for platform, handle, active in (("x", "a", True), ("x", "b", True), ("x", "c", False), ("flickr", "d", True)):
        factories.account(platform, handle, is_active=active)
    client.force_login(factories.user("editor"))
    return client


def core() -> set[str]:
    return set(Account.objects.filter(is_core=True).values_list("handle", flat=True))


def apply(editor: Client, address: str) -> str:
    """Post what the preview at `address` shows; where that leads."""
    answer = editor.post(address, {"digest": editor.get(address).context["plan"].digest})
    assert answer.status_code == 302, answer.content[:300]
    return str(answer["Location"])


def test_a_preview_says_what_would_change_and_changes_nothing(editor: Client) -> None:
    Account.objects.filter(handle="a").retag(None, add=["flu"])
    Account.objects.filter(handle="a").update(is_core=True)
    page = editor.get(f"{ALL_X}&set_organization=Brand+new").content.decode()
    for words in ("2 accounts would change · 0 already so", "Core: no →", "“Brand new” is a new organisation"):
        assert words in page
    assert "1 account would change · 1 already so" in editor.get(ALL_X).content.decode()
    assert (core(), AccountTag.objects.count(), BulkEdit.objects.count()) == ({"a"}, 1, 0)


@pytest.mark.parametrize(
    ("choice", "changed"),
    [("all=1&platform=x", {"a", "b"}), ("all=1&active=0", {"c"}), ("all=1&freshness=fresh&active=all", set())],
)
def test_all_that_match_are_those_of_the_list(editor: Client, choice: str, changed: set[str]) -> None:
    address = f"{PAGE}?{choice}&preview=1&set_core=1"
    listed = {row.handle for row in editor.get(f"/accounts/?{choice}").context["page"].object_list}
    if changed:
        apply(editor, address)
    assert core() == changed == listed


@pytest.mark.parametrize("junk", ["platform=junk", "core=maybe", "tag=%00", "freshness=old", "organization=%00"])
def test_a_filter_that_means_nothing_chooses_nobody(editor: Client, junk: str) -> None:
    answer = editor.get(f"{PAGE}?all=1&{junk}&preview=1&set_core=1", follow=True)
    assert answer.redirect_chain == [("/accounts/", 302)]
    assert "Choose at least one account first" in answer.content.decode()


def test_an_empty_filter_refuses_nothing(editor: Client) -> None:
    empty = "platform=&organization=&core=&active=&freshness=&tag=&q="
    assert editor.get(f"{PAGE}?all=1&{empty}&preview=1&set_core=1").context["count"] == 3


def test_a_change_that_is_sent_twice_is_one_edit_with_one_undo(editor: Client) -> None:
    shown = editor.get(ALL_X).context
    sent = {"digest": shown["plan"].digest, "ticket": shown["ticket"]}
    first, second = (editor.post(ALL_X, sent) for _ in range(2))
    assert (first.status_code, first["Location"]) == (302, second["Location"])
    user = BulkEdit.objects.get().by
    late = bulk.start(bulk.plan(Account.objects.all(), bulk.Wanted({"is_core": False})), user, ticket=sent["ticket"])
    assert (late.pk, late.parts.count()) == (BulkEdit.objects.get().pk, 1)  # both had looked before either had begun
    editor.post(first["Location"], {"undo": "1"})
    assert core() == set()


@pytest.mark.parametrize("ticket", ["", "a\x00b", "é", "9" * 33])
def test_a_ticket_that_is_none_changes_nothing_of_that(editor: Client, ticket: str) -> None:
    digest = editor.get(ALL_X).context["plan"].digest
    assert editor.post(ALL_X, {"digest": digest, "ticket": ticket}).status_code == 302
    assert BulkEdit.objects.get().done()["changed"] == 2


def test_ticked_accounts_are_changed_and_those_that_are_gone_are_counted(editor: Client) -> None:
    ids = "&".join(f"account={pk}" for pk in Account.objects.filter(handle__in="bd").values_list("pk", flat=True))
    address = f"{PAGE}?{ids}&account=999999&account=x&preview=1&set_core=1"
    assert "1 cannot: no longer in the registry" in editor.get(address).content.decode()
    result = apply(editor, address)
    assert core() == {"b", "d"}
    assert "2 accounts are changed." in editor.get(result).content.decode()
    undone = editor.post(result, {"undo": "1"}, follow=True).content.decode()
    assert "2 of 2 accounts are as before." in undone
    assert core() == set()


def test_what_changed_since_the_preview_is_shown_again_and_not_written(editor: Client) -> None:
    digest = editor.get(ALL_X).context["plan"].digest
    factories.account("x", "newcomer")
    answer = editor.post(ALL_X, {"digest": digest})
    assert (answer.status_code, core()) == (409, set())
    assert LOOK_AGAIN in answer.content.decode()
    assert "3 accounts would change" in answer.content.decode()


def test_an_undo_names_what_was_changed_since(editor: Client) -> None:
    result = apply(editor, ALL_X)
    Account.objects.filter(handle="a").deactivate(None)
    page = editor.post(result, {"undo": "1"}, follow=True).content.decode()
    assert "1 was changed since by somebody and stays as it is" in page
    assert 'href="/accounts/x/a/"' in page
    assert core() == {"a"}
    assert "undone already" in editor.post(result, {"undo": "1"}, follow=True).content.decode()


def test_a_long_edit_goes_on_with_each_request(editor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "CHUNK", 1)
    monkeypatch.setattr(bulk.go_on, "__kwdefaults__", {"seconds": 0})
    result = apply(editor, ALL_X)
    assert "1 of 2 so far" in editor.get(result).content.decode()
    editor.post(result)
    assert (core(), "Go on" in editor.get(result).content.decode()) == ({"a", "b"}, False)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("all=1&preview=1", 400, "Say what is to be changed. Nothing was changed."),
        ("all=1&preview=1&add_tags=a&remove_tags=A", 400, "cannot be added and taken off at once"),
        ("all=1&preview=1&add_tags=" + "x" * 51, 400, "50 characters"),
        ("all=1&preview=1&set_core=0", 200, "There is nothing to change"),
        ("all=1", 200, "Change 3 accounts"),
    ],
)
def test_what_cannot_be_is_said_on_the_form(editor: Client, query: str, status: int, words: str) -> None:
    answer = editor.get(f"{PAGE}?{query}")
    assert (answer.status_code, words in answer.content.decode()) == (status, True)


def test_choosing_nothing_leads_back_to_the_list(editor: Client) -> None:
    answer = editor.get(f"{PAGE}?preview=1&set_core=1&account=", follow=True)
    assert "Choose at least one account first." in answer.content.decode()


def test_viewers_choose_nothing_and_change_nothing(editor: Client, client: Client) -> None:
    result = apply(editor, ALL_X)
    viewer = Client()
    viewer.force_login(factories.user("viewer"))
    page = viewer.get("/accounts/").content.decode()
    assert 'name="account"' not in page
    assert 'id="chosen"' not in page
    assert {viewer.get(PAGE).status_code, viewer.post(ALL_X).status_code, viewer.post(result).status_code} == {403}
    viewer.force_login(factories.user("editor"))
    assert viewer.post(result, {"undo": "1"}).status_code == 404  # another's
    assert core() == {"a", "b"}
