"""The registry's JSON: pages, filters, one account, changes, and the import, each with its permission."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.editing import edit_account
from accounts.importing import import_roster
from accounts.models import Account, Organization
from accounts.rosters import Row
from accounts.schemas import COLUMNS, ON_REQUEST
from perf.cache import stored

pytestmark = pytest.mark.django_db
LIST = "/api/accounts"
FIELDS = [*COLUMNS, *ON_REQUEST]


@pytest.fixture
def many(office, django_capture_on_commit_callbacks):
    def make(count, start=0):
        with django_capture_on_commit_callbacks(execute=True):
            return Account.objects.bulk_create(
                Account(organization=office, platform="x", handle=f"H{i:04}", handle_key=f"h{i:04}")
                for i in range(start, start + count)
            )

    return make


def send(client, method, path, body):
    return getattr(client, method)(path, data=json.dumps(body), content_type="application/json")


def handles(response):
    return [row["handle"] for row in response.json()["data"]]


def test_a_list_row_names_the_account_as_the_predecessor_did(signed_in, cdc):
    assert signed_in("viewer").get(LIST).json() == {
        "data": [
            {
                "account_key": cdc.pk,
                "platform": "x",
                "handle": "CDCgov",
                "org_name": "Office",
                "account_display_name": "",
                "is_core_account": False,
                "is_active": True,
                "url": "https://x.com/CDCgov",
            }
        ],
        "total": 1,
        "page": 1,
        "per_page": 100,
        "pages": 1,
    }


@pytest.mark.req("A36")
def test_the_list_comes_in_pages_of_at_most_500(signed_in, many):
    many(501)
    client = signed_in("viewer")
    first = client.get(LIST, {"per_page": 9999}).json()
    assert (len(first["data"]), first["per_page"], first["pages"], first["total"]) == (500, 500, 2, 501)
    second = client.get(LIST, {"per_page": 500, "page": 2, "after": first["next"]}).json()
    assert [row["handle"] for row in second["data"]] == ["H0500"]
    assert "next" not in second


@pytest.mark.req("A85")
@pytest.mark.parametrize("number", ["x", "-1", "0", "", "1e3", "٣"])
def test_a_junk_page_is_the_first_and_unknown_parameters_are_ignored(signed_in, many, number):
    many(3)
    response = signed_in("viewer").get(LIST, {"page": number, "per_page": "2", "colour": "blue"})
    assert (response.json()["page"], handles(response)) == (1, ["H0000", "H0001"])


@pytest.mark.req("A85")
@pytest.mark.parametrize(
    "query", ["page=9", "page=99999999999999999999&per_page=99999999999999", "page=9&after=%ff", "q=%ff"]
)
def test_a_page_past_the_end_is_empty(signed_in, many, query):
    many(3)
    response = signed_in("viewer").get(f"{LIST}?{query}")
    assert (response.status_code, handles(response), response.json()["total"]) == (200, [], 0 if "q=" in query else 3)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"platform": "Twitter"}, ["CDCgov"]),
        ({"organization": "Health"}, ["HHS"]),
        ({"core": "true"}, ["HHS"]),
        ({"active": "0"}, ["HHS"]),
        ({"active": ""}, ["HHS", "CDCgov"]),
        ({"search": "cdc off"}, ["CDCgov"]),
        ({"q": "cdc", "search": "off"}, ["CDCgov"]),
        ({"tag": ["Flu", "kids", ""]}, ["HHS"]),
        ({"tag": "FLU"}, ["HHS", "CDCgov"]),
    ],
)
def test_the_list_is_filtered(signed_in, cdc, parameters, expected):
    health = Organization.objects.create(name="Health")
    Account.objects.create(organization=health, platform="facebook", handle="HHS", is_core=True, is_active=False)
    Account.objects.retag(None, add=["flu"])
    Account.objects.filter(handle="HHS").retag(None, add=["Kids"])
    assert handles(signed_in("viewer").get(LIST, parameters)) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("core", "perhaps"), ("platform", "myspace"), ("tag", "a;b"), ("q", "x" * 101), ("organization", "x" * 201)],
)
def test_a_filter_that_cannot_be_is_refused_by_name(signed_in, name, value):
    response = signed_in("viewer").get(LIST, {name: value})
    assert (response.status_code, list(response.json()["fields"])) == (400, [name])


@pytest.mark.both_dbs
@pytest.mark.req("A42")
def test_fields_names_the_columns_and_the_usual_ones_are_few(signed_in, cdc):
    Account.objects.retag(None, add=["kids", "Flu"])
    client = signed_in("viewer")
    assert client.get(LIST, {"fields": "tags, handle,tags"}).json()["data"] == [
        {"tags": ["Flu", "kids"], "handle": "CDCgov"}
    ]
    assert not {"bio", "tags"} & client.get(LIST).json()["data"][0].keys()
    assert set(client.get(LIST, {"fields": ",".join(FIELDS)}).json()["data"][0]) == set(FIELDS)
    refused = client.get(LIST, {"fields": "handle,followers"})
    assert (refused.status_code, "followers" in refused.json()["error"]) == (400, True)


def test_two_spellings_of_one_question_share_an_answer(signed_in, cdc):
    client = signed_in("viewer")
    queries = ("tag=flu&tag=Kids&q=a", "tag=KIDS&tag=FLU&tag=flu&search=a&colour=blue&per_page=100")
    assert [client.get(f"{LIST}?{query}")["X-Cache"] for query in queries] == ["MISS", "HIT"]


@pytest.mark.both_dbs
@pytest.mark.req("A24", "A23")
def test_the_list_takes_as_many_queries_for_200_rows_as_for_10(signed_in, many):
    client = signed_in("viewer")

    def queries(**parameters):
        with CaptureQueriesContext(connection) as ran:
            client.get(LIST, {"per_page": 500, **parameters})
        return [query["sql"] for query in ran]

    many(10)
    queries()  # renews the session, once an hour
    few = queries(search="H", fields="handle,org_name,tags")
    many(190, start=10)
    Account.objects.retag(None, add=["flu"])
    assert len(queries(search="h", fields="handle,org_name,tags")) == len(few)
    assert {sql.count("JOIN") for sql in few if 'FROM "accounts_account"' in sql} == {1}


@pytest.mark.req("A8")
def test_the_list_is_cached_for_15_minutes_for_each_page_and_filter(signed_in, many):
    many(3)
    client = signed_in("viewer")
    assert [client.get(LIST, query)["X-Cache"] for query in ({}, {}, {"page": 2}, {"page": 2}, {"core": "1"})] == [
        "MISS", "HIT", "MISS", "HIT", "MISS",
    ]  # fmt: skip  # in step with the five requests
    assert stored("accounts:list")["accounts:list"] in {899, 900}


def test_an_account_is_read_whatever_the_case_of_its_address(signed_in, cdc):
    answer = signed_in("viewer").get("/api/accounts/Twitter/cdcGOV").json()
    assert (answer["account_key"], answer["handle"], answer["former_handles"]) == (cdc.pk, "CDCgov", [])


@pytest.mark.req("A15")
def test_an_accounts_details_are_cached_under_its_key_and_dropped_when_it_is_edited(signed_in, cdc):
    client = signed_in("editor")
    address = "/api/accounts/x/CDCgov"
    assert [client.get(address)["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
    assert list(stored("account:")) == [f"account:{cdc.pk}"]
    assert send(client, "patch", address, {"display_name": "CDC"}).status_code == 200
    answer = client.get(address)
    assert (answer["X-Cache"], answer.json()["account_display_name"]) == ("MISS", "CDC")


@pytest.mark.req("A10")
@pytest.mark.parametrize(
    "write",
    [
        lambda account: account.rename("Moved"),
        lambda account: edit_account(account, None, is_core=True),
        lambda account: import_roster([Row(1, url=account.url, organization="Other")], by=None),
        lambda account: import_roster([Row(1, url="https://x.com/new", organization="Other")], by=None),
        lambda account: account.delete(),
        lambda account: Account.objects.deactivate(None),
        lambda account: Account.objects.learn({account.pk: {"display_name": "New"}}),
        lambda account: account.organization.merge_into(Organization.objects.create(name="Other"), None),
        lambda account: Organization(pk=account.organization_id, name="Renamed").save(),
        lambda account: Account.objects.retag(None, add=["flu"]),
        lambda account: edit_account(account, None, tags=["flu"]),
    ],
)
def test_every_write_makes_the_next_list_and_detail_fresh(signed_in, cdc, write, django_capture_on_commit_callbacks):
    client = signed_in("viewer")
    addresses = [LIST, f"/api/accounts/x/{cdc.handle}"]
    assert [client.get(address)["X-Cache"] for address in addresses * 2] == ["MISS", "MISS", "HIT", "HIT"]
    with django_capture_on_commit_callbacks(execute=True):
        write(cdc)
    changed = addresses if Account.objects.count() < 2 else [LIST]  # a new account leaves the others' details warm
    assert {client.get(address).get("X-Cache") for address in changed} <= {"MISS", None}


def test_a_renamed_accounts_old_address_leads_to_the_new_one(signed_in, cdc):
    cdc.rename("CDC")
    client = signed_in("editor")
    moved = client.get("/api/accounts/x/cdcgov")
    assert (moved.status_code, moved["Location"]) == (301, "/api/accounts/x/CDC")
    kept = send(client, "patch", "/api/accounts/x/cdcgov", {"is_core": True})
    assert (kept.status_code, kept["Location"]) == (308, "/api/accounts/x/CDC")


@pytest.mark.parametrize("address", ["/api/accounts/x/nobody", "/api/accounts/myspace/tom"])
def test_an_unknown_account_is_404(signed_in, address):
    client = signed_in("editor")
    assert {client.get(address).status_code, send(client, "patch", address, {}).status_code} == {404}


def test_an_account_is_added_by_its_address_with_a_new_organisation(signed_in, events):
    body = {"address": "https://www.linkedin.com/showcase/10897894/", "organization": "ACF", "is_core": True}
    response = send(signed_in("editor"), "post", LIST, body)
    answer = response.json()
    assert response.status_code == 201
    assert (answer["platform"], answer["handle"], answer["external_id"]) == ("linkedin", "10897894", "10897894")
    assert (answer["org_name"], answer["is_core_account"]) == ("ACF", True)
    assert [event[1:3] for event in events] == [("accounts.add", "LinkedIn 10897894")]


def test_adding_an_account_that_is_there_answers_409_with_it(signed_in, cdc):
    body = {"platform": "x", "address": "@cdcGOV", "organization": "Brand new"}
    response = send(signed_in("editor"), "post", LIST, body)
    assert (response.status_code, response.json()["account"]["account_key"]) == (409, cdc.pk)
    assert not Organization.objects.filter(name="Brand new").exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"platform": "x", "address": "a", "organization": "A", "tags": ["a;b"]}, "a semicolon"),
        ({"address": "https://www.instagram.com/p/abc/", "organization": "A"}, "a post, not a profile"),
        ({"platform": "x", "address": "=cmd()", "organization": "A"}, "cannot be a handle"),
        ({"platform": "myspace", "address": "tom", "organization": "A"}, "not a platform"),
        ({"platform": "x", "address": "a", "organization": " "}, "Name the organisation"),
        ({"platform": "x", "address": "a", "organization": "A", "kind": "galaxy"}, "kind"),
        ({"platform": "x", "address": "a", "organization": "A", "followers": 9}, "followers"),
        ({"platform": "x", "address": "a"}, "organization"),
    ],
)
def test_an_account_that_cannot_be_is_refused_with_the_reason(signed_in, body, reason):
    response = send(signed_in("editor"), "post", LIST, body)
    assert (response.status_code, Account.objects.count(), Organization.objects.count()) == (400, 0, 0)
    assert reason in response.json()["error"]


def test_a_change_sets_only_what_it_names_and_is_recorded(signed_in, cdc, events):
    Account.objects.filter(pk=cdc.pk).update(bio="theirs", is_core=True)
    response = send(signed_in("editor"), "patch", "/api/accounts/x/CDCgov", {"address": "CDC", "organization": "New"})
    assert response.json()["former_handles"] == ["CDCgov"]
    stored = Account.objects.get()
    assert (stored.handle, stored.url, stored.bio, stored.is_core) == ("CDC", "https://x.com/CDC", "theirs", True)
    assert events[-1][1] == "accounts.edit"
    assert events[-1][3]["changes"] == {
        "handle": ["CDCgov", "CDC"],
        "url": ["https://x.com/CDCgov", "https://x.com/CDC"],
        "organization": ["Office", "New"],
    }


@pytest.mark.both_dbs
def test_a_change_for_a_state_that_is_no_more_answers_409_with_the_difference(signed_in, cdc, events):
    client = signed_in("editor")
    seen = client.get(f"{LIST}/x/CDCgov").json()["updated_at"]
    mine = send(client, "patch", f"{LIST}/x/CDCgov", {"tags": ["flu"], "seen": seen})
    again = {"is_core": True, "tags": ["kids"], "organization": "New"}
    late = send(client, "patch", f"{LIST}/x/CDCgov", {**again, "seen": seen})
    assert (mine.status_code, late.status_code, len(events)) == (200, 409, 1)
    assert late.json()["differs"] == {
        "is_core": [False, True],
        "tags": [["flu"], ["kids"]],
        "organization": ["Office", "New"],
    }
    assert (late.json()["account"]["tags"], Organization.objects.count()) == (["flu"], 1)
    assert send(client, "patch", f"{LIST}/x/CDCgov", {**again, "seen": mine.json()["updated_at"]}).status_code == 200


def test_the_tags_of_an_account_are_set_recorded_and_kept_where_not_named(signed_in, cdc, events):
    client = signed_in("editor")
    answer = send(client, "patch", f"{LIST}/x/CDCgov", {"tags": ["kids", "Flu", "flu"]}).json()
    assert answer["tags"] == ["flu", "kids"]
    send(client, "patch", f"{LIST}/x/CDCgov", {"is_core": True, "tags": ["FLU"]})
    send(client, "patch", f"{LIST}/x/CDCgov", {"tags": ["Flu"]})
    assert [event[3]["changes"] for event in events] == [
        {"tags": [[], ["flu", "kids"]]},
        {"is_core": [False, True], "tags": [["flu", "kids"], ["FLU"]]},
    ]
    assert send(client, "patch", f"{LIST}/x/CDCgov", {"is_core": False}).json()["tags"] == ["flu"]


def test_a_change_to_a_handle_in_use_answers_409_and_leaves_both_as_they_were(signed_in, cdc):
    other = Account.objects.create(organization=cdc.organization, platform="x", handle="other")
    response = send(signed_in("editor"), "patch", "/api/accounts/x/other", {"address": "cdcgov", "is_core": True})
    assert (response.status_code, response.json()["account"]["account_key"]) == (409, cdc.pk)
    other.refresh_from_db()
    assert (other.handle, other.is_core) == ("other", False)


def test_an_account_does_not_change_its_platform(signed_in, cdc):
    response = send(signed_in("editor"), "patch", "/api/accounts/x/CDCgov", {"address": "https://facebook.com/CDC"})
    assert (response.status_code, Account.objects.get().platform) == (400, "x")


def test_deleting_deactivates_and_keeps_the_row(signed_in, cdc, events):
    answer = signed_in("editor").delete("/api/accounts/x/CDCgov").json()
    assert (answer["is_active"], Account.objects.get().is_active) == (False, False)
    assert events[0][1] == "accounts.deactivate"


@pytest.mark.parametrize("role", ["viewer", "crew", "reviewer"])
def test_only_editors_and_administrators_change_the_registry(signed_in, cdc, role):
    client = signed_in(role)
    answers = [
        send(client, "post", LIST, {"platform": "x", "address": "a", "organization": "A"}),
        send(client, "patch", "/api/accounts/x/CDCgov", {"is_core": True}),
        client.delete("/api/accounts/x/CDCgov"),
        client.post("/api/import?commit=true", b"https://x.com/one", content_type="text/csv"),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert list(Account.objects.values_list("is_core", "is_active")) == [(False, True)]


def test_crew_see_no_accounts_and_strangers_must_sign_in(signed_in, client, cdc):
    assert client.get(LIST).status_code == 401
    assert {signed_in("crew").get(address).status_code for address in (LIST, "/api/accounts/x/CDCgov")} == {403}


@pytest.mark.both_dbs
@pytest.mark.parametrize("name", ["platform", "organization", "search", "q", "tag", "fields"])
def test_a_nul_in_a_filter_is_refused(signed_in, cdc, name):
    assert signed_in("viewer").get(LIST, {name: "a\x00b"}).status_code == 400


@pytest.mark.both_dbs
@pytest.mark.parametrize(
    "path",
    [
        f"{LIST}/x/a%2Fb",
        f"{LIST}/x/%ff",
        f"{LIST}/x/{'a' * 4000}",
        f"{LIST}/x/%00",
        f"{LIST}/%00/CDCgov",
        "/api/history/x/%00",
        "/accounts/x/%00/",
    ],
)
def test_no_account_lives_at_an_address_that_cannot_be(signed_in, cdc, path):
    assert signed_in("viewer").get(path).status_code == 404


@pytest.mark.both_dbs
def test_a_nul_in_a_text_is_refused_and_nothing_changes(signed_in, cdc):
    response = send(signed_in("editor"), "patch", f"{LIST}/x/CDCgov", {"display_name": "a\x00b"})
    assert response.status_code == 400
    assert "display_name" in response.json()["error"]


@pytest.mark.both_dbs
@pytest.mark.parametrize("method", ["post", "patch"])
def test_a_profile_whose_own_id_is_tracked_under_another_handle_is_taken(signed_in, office, method):
    Account.objects.create(organization=office, platform="facebook", handle="CDC", external_id="123")
    Account.objects.create(organization=office, platform="facebook", handle="nih")
    body = {"address": "https://www.facebook.com/profile.php?id=123", "organization": "Office"}
    response = send(signed_in("editor"), method, LIST if method == "post" else f"{LIST}/facebook/nih", body)
    assert (response.status_code, response.json()["account"]["handle"]) == (409, "CDC")
