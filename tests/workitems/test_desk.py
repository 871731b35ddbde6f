"""What the crew sees first: their items that were sent back, under the reviewer's words."""

from __future__ import annotations

import re

import pytest

from tests.workitems.conftest import draft, person
from workitems.deciding import Act, Wanted, decide_many
from workitems.desk import SHOWN, desk_of
from workitems.editing import send_again
from workitems.workflow import Status, move, submit

pytestmark = pytest.mark.django_db


def sent_back(item, dana, reason="Photo 2 is blurred", to=Status.NEEDS_REVISION):
    move(item, Status.IN_REVIEW, by=dana, version=item.version)
    move(item, to, by=dana, version=item.version, reason=reason)
    return item


def test_the_words_come_first_and_go_when_the_item_is_sent_again(client, mark, art, dana, item):
    submit(draft(), mark)
    sent_back(submit(draft(), art), dana, "For Art alone")
    client.force_login(mark)
    assert "1 of yours" not in client.get("/workitems/").content.decode()
    sent_back(item, dana)
    page = client.get("/workitems/").content.decode()
    assert page.index("Photo 2 is blurred") < page.index("— Dana") < page.index("Correct DRAFT_0020")
    assert "For Art alone" not in page[: page.index('id="list"')]
    send_again(item, {}, by=mark, version=item.version)
    assert "Photo 2 is blurred" not in client.get("/workitems/").content.decode()


def test_the_desk_has_the_newest_and_says_that_there_are_more(mark, dana):
    for _ in range(SHOWN + 1):
        sent_back(submit(draft(), mark), dana, to=Status.AWAITING_PHOTOS)
    submit(draft(), mark)
    found = desk_of(mark)
    assert (len(found.sent_back), found.more, found.waiting) == (SHOWN, True, 1)
    assert {(item.sent_back_by, item.revision_notes) for item in found.sent_back} == {("Dana", "Photo 2 is blurred")}


def test_what_nobody_is_assigned_to_is_sent_back_to_whoever_sent_it(mark, art, dana, item):
    decide_many({item.pk: item.version}, Wanted(Act.ASSIGN), by=dana)
    item.refresh_from_db()
    sent_back(item, dana)
    assert [list(desk_of(user).sent_back) for user in (mark, art)] == [[item], []]


def test_who_works_on_items_alone_arrives_at_their_list(client, mark):
    client.force_login(mark)
    assert client.get("/")["Location"] == "/workitems/"
    client.force_login(person("vera", "viewer", "crew"))
    assert client.get("/").status_code == 200
    client.force_login(person("nobody"))
    assert client.get("/").status_code == 403


def test_the_tabs_count_what_is_open_and_completed(client, mark, dana, item):
    move(submit(draft(), mark), Status.IN_REVIEW, by=dana, version=1)
    client.force_login(mark)
    page = re.sub(r"<[^>]+>|\s+", " ", client.get("/workitems/?status=in_progress").content.decode())
    assert re.search(r"In progress +2 +Completed +0", page)
