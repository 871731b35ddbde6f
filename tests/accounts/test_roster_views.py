"""The pages of the roster import: check, read, mend, import, undo."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account, RosterImport
from perf import clock
from tests import factories

ROSTER = "Platform,Handle,Organization\nX,CDCgov,CDC\nX,CDCgov,CDC\nMySpace,tom,CDC\n"
pytestmark = pytest.mark.django_db


def text_of(response):
    """The page's words, tags removed."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


@pytest.fixture
def editor(client):
    client.force_login(factories.user("editor"))
    return client


def check(client, roster=ROSTER, **more):
    """The answer to a pasted roster, and the address of its page."""
    response = client.post("/accounts/import/", {"text": roster, **more}, follow=True)
    return response, response.redirect_chain[-1][0]


def given(response):
    return [(line[1], line[2]) for line in response.context["page"].object_list]


def test_checking_tells_every_line_and_writes_nothing(editor):
    page, _ = check(editor)
    assert given(page) == [("MySpace tom", "refused"), ("X CDCgov", "duplicate"), ("X CDCgov", "new")]
    words = text_of(page)
    assert "All 3 1 refused 1 twice in the roster 0 updated 1 new 0 unchanged" in words
    assert "is not a platform Tidemark knows" in words
    assert "Import 1 account" in words
    assert not Account.objects.exists()


def test_lines_are_filtered_by_verdict_and_paged(editor):
    lines = "".join(f"https://x.com/station{number:07}\n" for number in range(450)) + "nowhere\n"
    page, path = check(editor, lines)
    assert "Showing 1 to 200 of 451 lines" in text_of(page)
    assert len(given(editor.get(f"{path}?verdict=new&page=3"))) == 50
    assert given(editor.get(f"{path}?verdict=refused")) == [("nowhere", "refused")]
    assert len(given(editor.get(f"{path}?verdict=junk&page=junk"))) == 200


def test_a_checked_roster_is_imported_once_and_undone(editor):
    _, path = check(editor)
    done = editor.post(path, follow=True)
    assert "What the import did" in text_of(done)
    assert "Undo this import" in text_of(done)
    assert [account.handle for account in Account.objects.all()] == ["CDCgov"]
    again = editor.post(path, follow=True)
    assert "was imported already" in text_of(again)
    undone = editor.post(f"{path}undo/", follow=True)
    assert "was undone. Of its accounts, 1 removed." in text_of(undone)
    assert not Account.objects.exists()
    assert "undone already" in text_of(editor.post(f"{path}undo/", follow=True))
    assert "undone" in text_of(editor.get("/accounts/import/"))


def test_the_registry_is_compared_again_when_a_checked_roster_is_imported(editor):
    _, path = check(editor)
    factories.account("x", "CDCgov", organization=factories.organization("CDC"), url="https://x.com/CDCgov")
    done = editor.post(path, follow=True)
    assert done.context["roster"].counts["exists"] == 1
    assert Account.objects.count() == 1


def test_refused_lines_come_back_as_a_file_that_can_be_mended_and_sent_again(editor):
    roster = 'platform,handle,org,tags\nMySpace,tom,"CDC, Atlanta",\nX,=cmd,CDC,a;b\nX,fine,CDC\nX,a,b,c,d\n'
    _, path = check(editor, roster)
    file = editor.get(f"{path}refused.csv").content.decode("utf-8-sig")
    assert file.splitlines()[0] == "Platform,Handle,URL,Organization,Core,Tags,Why"
    assert "fine" not in file
    assert "\n-" not in file
    mended = file.replace("MySpace,tom", "X,tom").replace("'=cmd", "cmd")
    page, _ = check(editor, mended)
    assert [(line[2], line[3][:9]) for line in page.context["page"].object_list if line[2] != "new"] == []
    assert "3 new" in text_of(page)


def test_all_or_nothing_writes_nothing_when_a_line_is_refused(editor):
    _, path = check(editor, all_or_nothing="on")
    assert "Nothing was written" in text_of(editor.post(path, follow=True))
    assert not Account.objects.exists()
    assert RosterImport.objects.get().state == "checked"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"Platform,Handle\nX,\xff\n", "not UTF-8: byte 0xff on line 2"),
        (b"Platform,Platform,Handle\nX,X,a\n", "names platform twice"),
        (b'[{"platform": ', "not JSON"),
        (b"x" * (10 * 1024 * 1024 + 1), "larger than 10 MB. Split it"),
        (b"\n", "submitted file is empty|holds no rows"),
    ],
)
def test_an_unreadable_roster_says_why_and_what_was_kept(editor, file, said):
    page = editor.post("/accounts/import/", {"file": SimpleUploadedFile("roster.csv", file)})
    assert re.search(said, text_of(page))
    assert not RosterImport.objects.exists()


@pytest.mark.parametrize(
    "text", ['[{"url": "https://x.com/\\u0000a"}]', '[{"url": "\\ud800"}]', "a\x00b\nx.com/b", "[7]"]
)
def test_what_no_database_stores_is_a_refused_line(editor, text):
    file = SimpleUploadedFile("roster.txt", text.encode())
    page = editor.post("/accounts/import/", {"file": file}, follow=True)
    assert page.context["roster"].counts["refused"] == 1
    assert editor.get(f"{page.redirect_chain[-1][0]}refused.csv").status_code == 200


def test_what_was_checked_and_not_imported_goes_after_a_day_and_lines_too(editor):
    _, dropped = check(editor)
    _, imported = check(editor)
    editor.post(imported)
    with clock.shifted(timedelta(hours=25)):
        check(editor, "x.com/other")
        page = editor.get(imported)
    assert editor.get(dropped).status_code == 404
    assert "kept for 24 hours" in text_of(page)
    assert "1 new" in text_of(page)
    assert editor.get(f"{imported}refused.csv").status_code == 404


def test_an_import_names_who_made_it_not_who_checked_it(editor, client):
    _, path = check(editor)
    client.force_login(factories.user("editor", username="second"))
    assert "by second" in text_of(client.post(path, follow=True))


def test_viewers_neither_read_nor_undo_imports(editor, client):
    _, path = check(editor)
    client.force_login(factories.user("viewer"))
    answers = [client.get(path), client.post(path), client.get(f"{path}refused.csv"), client.post(f"{path}undo/")]
    assert [answer.status_code for answer in answers] == [403] * 4
