"""The registry in the administration site: bulk changes with counts, former handles, few queries, the audit log."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, AccountTag, Organization, Tag

pytestmark = pytest.mark.django_db
ACCOUNTS = reverse("admin:accounts_account_changelist")
ORGANIZATIONS = reverse("admin:accounts_organization_changelist")


def make(count, start=0):
    organizations = Organization.objects.bulk_create(Organization(name=f"Org {i}") for i in range(start, start + count))
    return Account.objects.bulk_create(
        Account(organization=owner, platform="x", handle=owner.name.replace(" ", ""), handle_key=owner.name.lower())
        for owner in organizations
    )


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


@pytest.mark.req("A24")
@pytest.mark.parametrize("address", [ACCOUNTS, ORGANIZATIONS])
def test_a_change_list_takes_as_many_queries_for_90_rows_as_for_10(signed_in, address):
    client = signed_in("admin")

    def queries():
        with CaptureQueriesContext(connection) as ran:
            assert client.get(address).status_code == 200
        return [query["sql"] for query in ran]

    make(10)
    queries()  # renews the session, once an hour
    few = queries()
    make(80, start=10)
    assert len(queries()) == len(few)


def test_accounts_are_searched_and_filtered(signed_in, cdc):
    make(2)
    client = signed_in("admin")
    for query in (
        {"q": "cdcGOV"},
        {"q": "office"},
        {"organization__id__exact": cdc.organization_id, "is_active__exact": 1},
    ):
        assert [row.handle for row in client.get(ACCOUNTS, query).context["cl"].result_list] == ["CDCgov"]
    assert not client.get(ACCOUNTS, {"platform__exact": "facebook"}).context["cl"].result_list


def test_a_bulk_deactivation_says_how_many_and_is_recorded(signed_in, events):
    rows = make(3)
    chosen = {"action": "deactivate", "_selected_action": [row.pk for row in rows[:2]]}
    response = signed_in("admin").post(ACCOUNTS, chosen, follow=True)
    assert messages_of(response) == ["2 accounts deactivated."]
    assert Account.objects.active().count() == 1
    assert [event[1] for event in events] == ["accounts.deactivate"]


def test_accounts_are_not_deleted_in_bulk(signed_in):
    (row,) = make(1)
    signed_in("admin").post(ACCOUNTS, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert Account.objects.exists()


def form_of(account, **changes):
    return {
        "handle": account.handle,
        "organization": account.organization_id,
        "former_handles-TOTAL_FORMS": 0,
        "former_handles-INITIAL_FORMS": 0,
        **changes,
    }


def test_a_new_handle_in_the_form_renames_and_shows_the_old_one_to_read(signed_in, cdc, events):
    page = reverse("admin:accounts_account_change", args=[cdc.pk])
    client = signed_in("admin")
    assert client.post(page, form_of(cdc, handle="@CDC", is_active="on")).status_code == 302
    cdc.refresh_from_db()
    assert (cdc.handle, cdc.url) == ("CDC", "https://x.com/CDC")
    shown = client.get(page).content.decode()
    assert "CDCgov" in shown
    assert 'name="former_handles-0-handle"' not in shown
    assert [event[1:] for event in events] == [("accounts.edit", "X CDC", {"id": cdc.pk, "fields": ["handle"]})]


@pytest.mark.parametrize(("handle", "reason"), [("=cmd()", "cannot be a handle"), ("cdcGOV", "already exists")])
def test_the_form_refuses_a_handle_with_the_reason(signed_in, cdc, handle, reason):
    other = Account.objects.create(organization=cdc.organization, platform="x", handle="other")
    response = signed_in("admin").post(
        reverse("admin:accounts_account_change", args=[other.pk]), form_of(other, handle=handle)
    )
    assert response.status_code == 200
    assert reason in response.content.decode()


def test_deleting_one_account_is_recorded(signed_in, cdc, events):
    signed_in("admin").post(reverse("admin:accounts_account_delete", args=[cdc.pk]), {"post": "yes"})
    assert not Account.objects.exists()
    assert [event[1:3] for event in events] == [("accounts.delete", "X CDCgov")]


def test_organisations_are_merged_into_the_one_named(signed_in, events):
    one, other = make(2)
    chosen = {"action": "merge", "_selected_action": [one.organization_id, other.organization_id], "into": " Org 1 "}
    response = signed_in("admin").post(ORGANIZATIONS, chosen, follow=True)
    assert messages_of(response) == ["1 merged into Org 1; 1 accounts moved."]
    assert set(Account.objects.values_list("organization__name", flat=True)) == {"Org 1"}


def test_a_merge_without_a_known_target_changes_nothing(signed_in):
    (row,) = make(1)
    chosen = {"action": "merge", "_selected_action": [row.organization_id], "into": "Nowhere"}
    response = signed_in("admin").post(ORGANIZATIONS, chosen, follow=True)
    assert "exactly as listed" in messages_of(response)[0]
    assert Organization.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "editor", "reviewer"])
def test_the_administration_site_is_for_administrators(signed_in, role):
    assert signed_in(role).get(ACCOUNTS).status_code == 403


def test_the_admin_takes_accounts_off_their_hold(signed_in, cdc):
    client = signed_in("admin")
    make(2)
    rows = list(Account.objects.order_by("pk"))[-2:]
    Account.objects.hold([rows[0].pk], "reassigned")
    chosen = {"action": "accept_new_id", "_selected_action": [row.pk for row in rows]}
    response = client.post(ACCOUNTS, chosen, follow=True)
    assert messages_of(response) == ["1 accounts are scraped again; 1 were not on hold."]
    assert not Account.objects.on_hold().exists()


def test_the_form_shows_and_sets_the_tags_of_an_account(signed_in, cdc, events):
    Account.objects.retag(None, add=["Flu"])
    client, page = signed_in("admin"), reverse("admin:accounts_account_change", args=[cdc.pk])
    assert 'value="Flu"' in client.get(page).content.decode()
    events.clear()
    assert client.post(page, form_of(cdc, is_active="on", tags="kids; zoo")).status_code == 302
    assert AccountTag.objects.names_of([cdc.pk]) == {cdc.pk: ["kids", "zoo"]}
    assert [event[1:] for event in events] == [("accounts.edit", "X CDCgov", {"id": cdc.pk, "fields": ["tags"]})]


def test_chosen_accounts_are_tagged_filtered_and_untagged(signed_in, events):
    client, rows = signed_in("admin"), make(3)
    chosen = {"_selected_action": [row.pk for row in rows[:2]], "tags": "Flu; kids"}
    added = client.post(ACCOUNTS, {"action": "add_tags", **chosen}, follow=True)
    assert messages_of(added) == ["“Flu” was put on 2 accounts; “kids” was put on 2 accounts."]
    flu = Tag.objects.get(key="flu")
    assert client.get(ACCOUNTS, {"tags__id__exact": flu.pk}).context["cl"].result_count == 2
    everywhere = {"action": "remove_tags", "tags": "FLU", "select_across": 1, "_selected_action": rows[0].pk}
    removed = client.post(f"{ACCOUNTS}?tags__id__exact={flu.pk}", everywhere, follow=True)
    assert messages_of(removed) == ["“FLU” was taken off 2 accounts."]
    assert [event[1] for event in events] == ["accounts.tag", "accounts.tag"]


@pytest.mark.parametrize(("tags", "reason"), [("", "Name the tags"), ("x" * 51, "Nothing was changed")])
def test_a_tag_that_cannot_be_is_put_on_nothing(signed_in, cdc, tags, reason):
    chosen = {"action": "add_tags", "_selected_action": cdc.pk, "tags": tags}
    response = signed_in("admin").post(ACCOUNTS, chosen, follow=True)
    assert reason in messages_of(response)[0]
    assert not Tag.objects.exists()


def test_tags_are_renamed_in_the_admin_and_a_taken_name_is_refused(signed_in, cdc):
    Account.objects.retag(None, add=["flu", "kids"])
    client, flu = signed_in("admin"), Tag.objects.get(key="flu")
    page = reverse("admin:accounts_tag_change", args=[flu.pk])
    assert "a tag of this name already" in client.post(page, {"name": "KIDS"}).content.decode()
    assert client.post(page, {"name": "Flu season"}).status_code == 302
    listed = client.get(reverse("admin:accounts_tag_changelist")).context["cl"].result_list
    assert [(tag.name, tag.number) for tag in listed] == [("Flu season", 1), ("kids", 1)]
