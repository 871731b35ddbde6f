"""JSON about many accounts at once: the roster import, tags on many, and the tags themselves."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account, AccountTag, Tag

pytestmark = pytest.mark.django_db


def send(client, method, path, body):
    return getattr(client, method)(path, data=json.dumps(body), content_type="application/json")


ROSTER = b"Platform,Handle,Organization\nX,CDCgov,CDC\nX,=1,CDC\n"


def test_an_import_is_a_dry_run_unless_told_to_commit(signed_in):
    client = signed_in("editor")
    answer = client.post("/api/import", ROSTER, content_type="text/csv").json()
    assert (answer["written"], answer["counts"]["new"], Account.objects.count()) == (False, 1, 0)
    assert [line["verdict"] for line in answer["lines"]] == ["new", "refused"]
    answer = client.post("/api/import?commit=true", ROSTER, content_type="text/csv").json()
    account = Account.objects.get()
    assert (answer["written"], answer["lines"][0]["account_key"]) == (True, account.pk)


def test_an_import_takes_a_file_and_a_plain_posted_body(signed_in):
    client = signed_in("editor")
    upload = SimpleUploadedFile("roster.csv", ROSTER)
    assert client.post("/api/import", {"file": upload}).json()["counts"]["new"] == 1
    posted = client.post("/api/import", b"https://x.com/one", content_type="application/x-www-form-urlencoded")
    assert posted.json()["counts"]["new"] == 1


def test_an_all_or_nothing_import_with_a_refused_line_answers_422_and_writes_nothing(signed_in):
    response = signed_in("editor").post("/api/import?commit=true&all_or_nothing=true", ROSTER, content_type="text/csv")
    assert (response.status_code, response.json()["written"], Account.objects.count()) == (422, False, 0)


def test_an_unreadable_roster_is_refused_with_its_place(signed_in):
    response = signed_in("editor").post("/api/import", b'[{"platform": ', content_type="application/json")
    assert (response.status_code, "line 1, column 15" in response.json()["error"]) == (400, True)


@pytest.fixture
def two(office, cdc, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        Account.objects.retag(None, add=["Flu"])
        return [cdc, Account.objects.create(organization=office, platform="facebook", handle="HHS")]


def test_tagging_many_is_a_dry_run_unless_told_to_commit(signed_in, two):
    client = signed_in("editor")
    body = {"add": ["kids", "flu"], "remove": ["old"]}
    told = {"accounts": 2, "added": {"flu": 1, "kids": 2}, "removed": {"old": 0}}
    assert send(client, "post", "/api/accounts/tags?organization=Office", body).json() == {"written": False, **told}
    assert AccountTag.objects.count() == 1
    done = send(client, "post", "/api/accounts/tags?organization=Office&commit=true", body)
    assert done.json() == {"written": True, **told}
    assert AccountTag.objects.count() == 4


def test_tagging_takes_keys_and_filters_together_and_passes_over_unknown_keys(signed_in, two):
    body = {"add": ["kids"], "account_keys": [*(account.pk for account in two), 2**63 - 1]}
    answer = send(signed_in("editor"), "post", "/api/accounts/tags?platform=fb&commit=1", body).json()
    assert (answer["accounts"], answer["added"]) == (1, {"kids": 1})
    assert [account.handle for account in Account.objects.tagged(["kids"])] == ["HHS"]


@pytest.mark.parametrize(
    ("query", "body", "reason"),
    [
        ("", {"add": ["flu"]}, "Say which accounts"),
        ("?platform=x", {"add": ["a,b"]}, "a comma"),
        ("?platform=x", {"add": ["Flu"], "remove": ["flu"]}, "at once"),
        ("?platform=x", {"tags": ["flu"]}, "tags"),
        ("?platform=x", {"add": ["x" * 51]}, "50 characters"),
        ("", {"add": ["flu"], "account_keys": [2**63]}, "account_keys"),
    ],
)
def test_tagging_that_cannot_be_is_refused_with_the_reason(signed_in, two, query, body, reason):
    response = send(signed_in("editor"), "post", f"/api/accounts/tags{query}", body)
    assert (response.status_code, reason in response.json()["error"]) == (400, True), response.json()
    assert AccountTag.objects.count() == 1


@pytest.mark.both_dbs
def test_the_tags_are_listed_with_their_counts_and_always_fresh(signed_in, two, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        client = signed_in("editor")
        client.get("/api/tags")  # the first request of a session writes too
    assert client.get("/api/tags").json() == [{"name": "Flu", "accounts": 1}]
    assert client.get("/api/tags")["X-Cache"] == "HIT"
    for write in (
        lambda: Tag.objects.create(name="empty"),
        lambda: send(client, "patch", "/api/tags/flu", {"name": "a/b"}),
        lambda: client.delete("/api/tags/A/B"),
        lambda: Tag.objects.all().delete(),
    ):
        with django_capture_on_commit_callbacks(execute=True):
            write()
        assert [client.get("/api/tags")["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
    assert client.get("/api/tags").json() == []


def test_a_tag_is_renamed_and_deleted_on_the_record(signed_in, two, events):
    client, tag = signed_in("editor"), Tag.objects.get()
    events.clear()
    renamed = send(client, "patch", "/api/tags/FLU", {"name": " Flu  season "})
    deleted = client.delete("/api/tags/flu%20Season")
    assert renamed.json() == deleted.json() == {"name": "Flu season", "accounts": 1}
    assert [event[1:] for event in events] == [
        ("tags.rename", "Flu season", {"id": tag.pk, "from": "Flu"}),
        ("tags.delete", "Flu season", {"id": tag.pk, "accounts": 1}),
    ]
    assert (Tag.objects.count(), Account.objects.count()) == (0, 2)


@pytest.mark.both_dbs
@pytest.mark.parametrize("name", ["KIDS", "", "a;b", "a\x00b", "x" * 51])
def test_a_tag_keeps_its_name_where_the_new_one_is_taken_or_cannot_be(signed_in, two, name):
    Tag.objects.create(name="kids")
    response = send(signed_in("editor"), "patch", "/api/tags/flu", {"name": name})
    assert (response.status_code, "name: " in response.json()["error"]) == (400, True)
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["Flu", "kids"]


@pytest.mark.parametrize("name", ["none", "%00", "%ff"])
def test_an_unknown_tag_is_404(signed_in, two, name):
    client = signed_in("editor")
    answers = [client.delete(f"/api/tags/{name}"), send(client, "patch", f"/api/tags/{name}", {"name": "a"})]
    assert {answer.status_code for answer in answers} == {404}


def test_viewers_see_the_tags_and_change_none(signed_in, two):
    client = signed_in("viewer")
    answers = [
        send(client, "post", "/api/accounts/tags?platform=x&commit=1", {"add": ["a"]}),
        send(client, "patch", "/api/tags/flu", {"name": "a"}),
        client.delete("/api/tags/flu"),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert client.get("/api/tags").json() == [{"name": "Flu", "accounts": 1}]
    assert signed_in("crew").get("/api/tags").status_code == 403
