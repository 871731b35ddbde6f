"""The crew's pages: a form for a new item, changing one, and the receipt."""

from __future__ import annotations

import json
import re

import pytest

from tests.workitems.conftest import draft
from tests.workitems.photo_files import photo_file
from workitems import photos
from workitems.editing import edit
from workitems.models import PresetNumber, StatusChange, WorkItem
from workitems.workflow import Status, move, submit

pytestmark = pytest.mark.django_db

TEXT = {"location": "Engine room", "description": "Valve leaks", "detail": "Replace\r\nthe seal"}


@pytest.fixture
def crew(client, mark):
    """Mark's browser."""
    client.force_login(mark)
    return client


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode())).replace(" .", ".")


def sent_back(item, dana, reason="Photo 2 is blurred"):
    move(item, Status.IN_REVIEW, by=dana, version=item.version)
    move(item, Status.NEEDS_REVISION, by=dana, version=item.version, reason=reason)
    return item


def test_a_sent_form_is_an_item_under_the_next_draft_number_with_a_receipt(crew, mark):
    answer = crew.post("/workitems/new/", TEXT | {"ofm": "Seal kit"}, follow=True)
    item = WorkItem.objects.get()
    assert answer.redirect_chain == [("/workitems/DRAFT_0020/receipt/", 302)]
    assert (item.detail, item.ofm, item.submitter, item.assigned_to) == ("Replace\nthe seal", "Seal kit", mark, mark)
    assert f"{item.submitted_at:%H:%M:%S}" in text_of(answer)


def test_a_form_sent_twice_is_one_item(crew):
    key = re.search(r'name="key" value="(\w{32})"', crew.get("/workitems/new/").content.decode())[1]
    answers = [crew.post("/workitems/new/", TEXT | {"key": key}) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {"/workitems/DRAFT_0020/receipt/"}
    assert WorkItem.objects.count() == 1


def test_what_is_missing_is_said_beside_its_field_and_what_was_written_stays(crew):
    answer = crew.post("/workitems/new/", TEXT | {"description": "x" * 201, "location": " "})
    form = answer.context["form"]
    assert (answer.status_code, [*form.errors]) == (422, ["location", "description"])
    assert "x" * 201 in answer.content.decode()
    first = answer.text.partition('<form class="card form')[0]
    assert 'role="alert" tabindex="-1" autofocus' in first
    assert re.findall(r'<a href="#id_(\w+)">(\w+)</a>: (.+?)</li>', first) == [
        ("location", "Location", "This field is required."),
        ("description", "Description", "Ensure this value has at most 200 characters (it has 201)."),
    ]
    assert "Not sent yet" in first
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ({"preset": "0101"}, "0101"),
        ({"preset": "typed", "number": "A-7"}, "A-7"),
        ({"preset": "0101", "number": "0101"}, "0101"),
        ({"preset": "typed"}, None),
        ({"preset": "", "number": "A-7"}, None),
        ({"preset": "typed", "number": "new"}, None),
        ({"preset": "typed", "number": "Ä 7"}, None),
        ({"preset": "0102"}, None),
    ],
)
def test_a_number_is_picked_or_typed_and_never_guessed(crew, given, number):
    PresetNumber.objects.create(code="0101", title="Main engine")
    PresetNumber.objects.create(code="0102", is_offered=False)
    answer = crew.post("/workitems/new/", TEXT | given)
    assert answer.status_code == (302 if number else 422)
    assert [*WorkItem.objects.values_list("number", flat=True)] == ([number] if number else [])


def test_the_list_of_numbers_says_which_are_there_already(crew, art):
    PresetNumber.objects.create(code="0102", title="Pumps", position=1)
    PresetNumber.objects.create(code="0101", title="Main engine", position=2)
    submit(draft(number="0102"), art)
    choices = crew.get("/workitems/new/").context["form"].fields["preset"].choices
    assert [label for _, label in choices] == [
        "Next draft number", "0102 - Pumps (there is one)", "0101 - Main engine", "Another number…",
    ]  # fmt: skip


def test_a_number_taken_by_an_item_of_ones_own_shows_both_texts_and_stores_neither(crew, mark):
    submit(draft(number="0101", detail="Their text"), mark)
    answer = crew.post("/workitems/new/", TEXT | {"preset": "typed", "number": "0101"})
    page = text_of(answer)
    assert answer.status_code == 409
    assert "0101 is taken." in page
    assert "Their text" in page
    assert "Replace the seal" in page
    assert WorkItem.objects.get().detail == "Their text"
    crew.post("/workitems/0101/edit/", {**answer.context["form"].data})
    assert (WorkItem.objects.get().detail, WorkItem.objects.get().version) == ("Replace\nthe seal", 2)


def test_a_number_taken_by_somebody_else_is_a_link_and_the_form_stays(crew, art):
    submit(draft(number="0101", detail="Their text"), art)
    answer = crew.post("/workitems/new/", TEXT | {"preset": "typed", "number": "0101"})
    assert (answer.status_code, WorkItem.objects.get().detail) == (409, "Their text")
    assert "Their text" not in text_of(answer)
    assert "Engine room" in answer.content.decode()


def test_other_words_in_a_form_that_is_stored_are_shown_beside_it(crew):
    crew.post("/workitems/new/", TEXT | {"key": "a1"})
    answer = crew.post("/workitems/new/", TEXT | {"key": "a1", "detail": "Second thoughts"})
    assert answer.status_code == 409
    assert "stored as DRAFT_0020 already, with other words" in text_of(answer)
    assert "Second thoughts" in text_of(answer)


def test_number_and_location_are_locked_for_the_crew_whatever_is_sent(crew, item):
    page = crew.get(f"/workitems/{item.number}/edit/")
    assert [*page.context["form"].fields] == ["key", "version", "description", "detail", "ofm"]
    crew.post(f"/workitems/{item.number}/edit/", TEXT | {"version": 1, "number": "X", "location": "Y", "detail": "New"})
    item.refresh_from_db()
    assert (item.number, item.location, item.detail) == ("DRAFT_0020", "Engine room", "New")


def test_the_reviewers_words_come_first_and_sending_again_clears_them(crew, item, dana):
    sent_back(item, dana)
    page = crew.get(f"/workitems/{item.number}/edit/").content.decode()
    assert 0 < page.index("Photo 2 is blurred") < page.index("— Dana") < page.index("<form class=")
    words = {"description": item.description, "detail": item.detail, "version": item.version}
    crew.post(f"/workitems/{item.number}/edit/", words)
    item.refresh_from_db()
    assert (item.status, item.revision_notes) == ("needs_revision", "Photo 2 is blurred")
    crew.post(f"/workitems/{item.number}/edit/", words | {"again": "1"})
    item.refresh_from_db()
    assert (item.status, item.revision_notes) == ("submitted", "")
    assert StatusChange.objects.filter(new_status="submitted").count() == 2


def test_the_second_of_two_sees_both_texts_and_what_they_left_alone_is_as_it_is_now(crew, item, dana):
    edit(item, {"detail": "Dana's", "ofm": "Seal kit"}, by=dana, version=1)
    ours = {"description": item.description, "detail": "Mark's", "ofm": "", "version": 1}
    answer = crew.post(f"/workitems/{item.number}/edit/", ours)
    form = answer.context["form"]
    assert (answer.status_code, form.theirs) == (409, {"detail": "Dana's"})
    assert (form["ofm"].value(), form["version"].value()) == ("Seal kit", 2)
    assert "Detail, by Dana" in text_of(answer)
    item.refresh_from_db()
    assert (item.detail, item.version) == ("Dana's", 2)


def test_notes_that_the_crew_may_not_read_keep_no_words_of_theirs_from_being_stored(crew, item, dana):
    edit(item, {"internal_notes": "Yard is late"}, by=dana, version=1)
    answer = crew.post(f"/workitems/{item.number}/edit/", TEXT | {"detail": "Mark's", "version": 1})
    assert (answer.status_code, WorkItem.objects.get().detail) == (302, "Mark's")


def test_who_comes_after_the_review_began_keeps_their_words_on_the_page(crew, item, dana, monkeypatch):
    stale = WorkItem.objects.get()
    move(item, Status.IN_REVIEW, by=dana, version=1)
    monkeypatch.setattr("workitems.crew_views.found_item", lambda *_: stale)  # read just before
    answer = crew.post(
        f"/workitems/{item.number}/edit/", {"description": "Mine", "detail": "My words", "ofm": "", "version": 1}
    )
    assert answer.status_code == 409
    assert "My words" in text_of(answer)
    assert "Status: In Review, by Dana" in text_of(answer)


def test_words_that_come_after_the_item_went_into_the_bin_stay_on_a_page_without_its_link(
    crew, item, dana, monkeypatch
):
    stale = WorkItem.objects.get()
    WorkItem.objects.all().move_to_bin(dana)
    monkeypatch.setattr("workitems.crew_views.found_item", lambda *_: stale)  # read before the photos were stored
    ours = {"description": "Mine", "detail": "My words", "ofm": "", "version": 1}
    answer = crew.post(f"/workitems/{item.number}/edit/", ours)
    assert answer.status_code == 409
    assert "My words" in text_of(answer)
    assert "In the bin: yes, by Dana" in text_of(answer)
    assert f"/workitems/{item.number}/" not in answer.content.decode()


def test_words_that_come_after_the_review_ended_are_shown_to_their_writer_alone(crew, item, dana, art):
    for version, status in enumerate((Status.IN_REVIEW, Status.COMPLETED_REVIEW), 1):
        move(item, status, by=dana, version=version)
    ours = {"detail": "My words", "version": "1", "photo-1": photo_file(3)}
    answer = crew.post(f"/workitems/{item.number}/edit/", ours)
    assert answer.status_code == 409
    for words in ("My words", "Status: Completed Review, by Dana", "The photos of the form were not stored."):
        assert words in text_of(answer)
    crew.force_login(art)
    assert crew.post(f"/workitems/{item.number}/edit/", ours | {"photo-1": ""}).status_code == 403
    assert not item.photos.exists()


@pytest.mark.parametrize(("who", "status"), [("art", 403), ("dana", 200), ("mark", 200)])
def test_only_who_may_edit_gets_the_form(client, item, who, status, request):
    client.force_login(request.getfixturevalue(who))
    assert client.get(f"/workitems/{item.number}/edit/").status_code == status


def test_who_may_not_change_an_item_now_reads_why(client, item, art):
    client.force_login(art)
    page = client.get(f"/workitems/{item.number}/edit/")
    assert f"{item.number} is Submitted and not yours to change now." in text_of(page)
    assert "Your role" not in text_of(page)


def test_an_item_in_the_bin_has_no_pages(crew, item, dana):
    WorkItem.objects.all().move_to_bin(dana)
    assert {crew.get(f"/workitems/{item.number}/{page}/").status_code for page in ("edit", "receipt")} == {404}
    answer = crew.post("/workitems/new/", TEXT | {"preset": "typed", "number": item.number})
    assert answer.status_code == 409


def test_a_longer_description_of_a_reviewer_does_not_keep_the_crew_from_saving(crew, item, dana):
    edit(item, {"description": "d" * 300}, by=dana, version=1)
    crew.post(f"/workitems/{item.number}/edit/", {"description": "d" * 300, "detail": "New", "ofm": "", "version": 2})
    item.refresh_from_db()
    assert (item.detail, len(item.description)) == ("New", 300)


def test_text_fields_are_spelled_by_the_browser(crew):
    page = crew.get("/workitems/new/").content.decode()
    for name in ("location", "description", "detail", "ofm"):
        assert re.search(rf'name="{name}"[^>]*spellcheck="true"', page), name


def test_an_item_waits_from_its_first_moment_for_the_photos_that_its_device_holds(crew):
    good = {"key": "a1", "size": 9, "sha256": "0" * 64, "name": "a.jpg", "caption": "Tag", "position": 1}
    promised = json.dumps([good, good | {"key": "a2", "size": 2**39}, good | {"key": "a3", "caption": "x" * 501}])
    answer = crew.post("/workitems/new/", TEXT | {"promised": promised}, follow=True)
    assert WorkItem.objects.get().photos_due == 1
    assert "1 photo still on the way" in text_of(answer)


@pytest.mark.parametrize("said", ["{", "[]", "7", '[{"key": "a/b"}]', '[{"key": "a", "size": -1}]', "[[]]"])
def test_what_is_no_promise_keeps_no_item_from_being_stored(crew, said):
    assert crew.post("/workitems/new/", TEXT | {"promised": said}).status_code == 302
    assert WorkItem.objects.get().photos_due == 0


def test_a_script_learns_where_to_go_on_or_that_the_page_is_to_be_shown(crew, art):
    asked = {"headers": {"accept": "application/json"}}
    stored = crew.post("/workitems/new/", TEXT, **asked)
    there = {"number": "DRAFT_0020", "id": WorkItem.objects.get().pk, "next": "/workitems/DRAFT_0020/receipt/"}
    assert stored.json() == there
    submit(draft(number="0101"), art)
    for given, status in (({"preset": "typed", "number": "0101"}, 409), ({"location": ""}, 422)):
        refused = crew.post("/workitems/new/", TEXT | given, **asked)
        assert (refused.status_code, [*refused.json()]) == (status, ["error"])


def test_a_removed_photo_can_be_put_back_and_one_that_was_retaken_is_not_offered(crew, item, mark):
    first, second = (photos.add(item, photo_file(shade), by=mark, caption=f"No {shade}") for shade in (1, 2))
    photos.add(item, photo_file(3), by=mark, replaces=first)
    photos.remove(second, by=mark)
    page = crew.get(f"/workitems/{item.number}/edit/")
    assert page.context["removed"] == [second]
    assert f"/workitems/photos/{second.pk}/restore/" in page.content.decode()


def test_the_forms_are_never_kept_by_a_browser_and_yet_compressed(crew, item):
    for address in ("/workitems/new/", f"/workitems/{item.number}/edit/"):
        answer = crew.get(address, headers={"accept-encoding": "br, gzip"})
        assert ("no-store" in answer["Cache-Control"], answer["Content-Encoding"]) == (True, "gzip")
