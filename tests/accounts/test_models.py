"""Accounts: one per platform and handle, every write told, old handles kept."""

from __future__ import annotations

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from accounts.models import Account, HandleTaken, Organization
from accounts.platforms import PLATFORMS

pytestmark = pytest.mark.django_db


def make(organization, count):
    return Account.objects.bulk_create(
        Account(organization=organization, platform="x", handle=f"handle_{i}", handle_key=f"handle_{i}")
        for i in range(count)
    )


@pytest.mark.both_dbs
def test_the_database_refuses_a_second_account_whose_handle_differs_only_in_case(cdc):
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.create(organization=cdc.organization, platform="x", handle="cdcGOV")


@pytest.mark.both_dbs
def test_the_database_refuses_an_account_without_a_handle(office):
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.create(organization=office, platform="x", handle="")


def test_two_accounts_may_lack_the_platforms_id_but_not_share_one(office):
    one, other = make(office, 2)
    one.external_id = "42"
    one.save()
    other.external_id = "42"
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()


@pytest.mark.parametrize("spelling", ["CDCgov", "cdcgov", "\uff23DCgov"])
def test_an_account_is_found_whatever_the_case_of_its_handle(cdc, spelling):
    assert Account.objects.find_at("x", spelling) == cdc


def test_an_unknown_handle_finds_nothing(cdc):
    assert Account.objects.find_at("x", "nobody") is None
    assert Account.objects.find_at("facebook", "CDCgov") is None


def test_a_renamed_account_is_still_found_under_its_old_handle_and_keeps_its_kind_of_address(office):
    account = Account.objects.create(
        organization=office, platform="linkedin", handle="otip", url="https://www.linkedin.com/showcase/otip/"
    )
    account.rename("Trafficking-Office")
    found = Account.objects.find_at("linkedin", "OTIP")
    assert (found, found.handle) == (account, "Trafficking-Office")
    assert found.url == "https://www.linkedin.com/showcase/Trafficking-Office/"


def test_a_handle_leads_to_the_account_that_had_it_last(office):
    first, second = make(office, 2)
    first.rename("moved_on")
    second.rename("handle_0")
    assert Account.objects.find_at("x", "handle_0") == second
    second.rename("moved_too")
    assert Account.objects.find_at("x", "handle_0") == second


def test_renaming_to_a_handle_in_use_names_its_owner_and_changes_nothing(office):
    one, other = make(office, 2)
    with pytest.raises(HandleTaken) as refusal:
        one.rename("HANDLE_1")
    assert refusal.value.existing == other
    one.refresh_from_db()
    assert (one.handle, one.former_handles.count()) == ("handle_0", 0)


def test_a_change_of_case_alone_keeps_no_former_handle(cdc):
    cdc.rename("cdcgov")
    assert cdc.former_handles.count() == 0


def test_an_edit_tells_what_changed_and_what_was(cdc, told):
    was = cdc.organization_id
    cdc.handle, cdc.organization = "CDC", Organization.objects.create(name="Other")
    cdc.save()
    assert told == [
        {
            "ids": [cdc.pk],
            "fields": {"handle", "handle_key", "organization"},
            "old_handles": {cdc.pk: ("x", "cdcgov")},
            "old_organizations": {cdc.pk: was},
        }
    ]


def test_saving_an_unchanged_account_tells_nothing(cdc, told):
    cdc.save()
    assert told == []


def test_a_partial_save_stores_and_tells_only_its_fields(cdc, told):
    cdc.handle, cdc.is_core = "CDC", True
    cdc.save(update_fields=["handle"])
    stored = Account.objects.get()
    assert (stored.handle, stored.handle_key, stored.is_core) == ("CDC", "cdc", False)
    assert told[0]["fields"] == {"handle", "handle_key"}


@pytest.mark.parametrize("erase", [lambda cdc: cdc.delete(), lambda cdc: Account.objects.all().delete()])
def test_a_deletion_is_told_while_the_row_can_still_be_read(cdc, told, erase):
    pk, organization = cdc.pk, cdc.organization_id
    erase(cdc)
    assert [(said["ids"], said["fields"]) for said in told] == [([pk], {"deleted"})]
    assert told[0]["old_organizations"] == {pk: organization}


def test_a_creation_is_told(office, told):
    account = Account.objects.create(organization=office, platform="x", handle="new")
    assert (told[0]["ids"], told[0]["fields"]) == ([account.pk], {"created"})


def test_deactivating_many_tells_audits_and_counts_only_those_it_changed(office, told, events, admin_user):
    accounts = make(office, 3)
    Account.objects.filter(pk=accounts[0].pk).deactivate(None)
    del told[:], events[:]
    assert Account.objects.deactivate(admin_user) == 2
    changed = [accounts[1].pk, accounts[2].pk]
    assert [(said["ids"], said["fields"]) for said in told] == [(changed, {"is_active"})]
    assert events == [(admin_user, "accounts.deactivate", "2 accounts", {"count": 2, "ids": changed})]
    assert not Account.objects.active().exists()
    assert Account.objects.activate(admin_user) == 3


@pytest.mark.both_dbs
def test_a_bulk_write_beyond_one_statements_variables_reaches_every_row(office):
    Account.objects.bulk_create(
        Account(organization=office, platform="x", handle=f"h{i}", handle_key=f"h{i}") for i in range(1_201)
    )
    assert Account.objects.deactivate(None) == 1_201


def test_merging_an_organisation_moves_its_accounts_and_tells_where_they_were(office, told, events, admin_user):
    accounts = make(office, 2)
    other, old = Organization.objects.create(name="Other"), office.pk
    del told[:]
    assert office.merge_into(other, admin_user) == 2
    assert told == [
        {
            "ids": [a.pk for a in accounts],
            "fields": {"organization"},
            "old_handles": {},
            "old_organizations": {a.pk: old for a in accounts},
        }
    ]
    assert events[0][1:] == ("organizations.merge", "Other", {"from": "Office", "accounts": 2})
    assert not Organization.objects.filter(pk=old).exists()


def test_renaming_an_organisation_tells_of_its_accounts(cdc, told):
    cdc.organization.name = "Renamed"
    cdc.organization.save()
    assert [(said["ids"], said["fields"]) for said in told] == [([cdc.pk], {"organization_name"})]


def test_cleaning_gives_a_typed_account_its_handle_address_and_stated_id(office):
    account = Account(organization=office, platform="youtube", handle=" UCxwOcnZ9pnGKFpZy7yjJdrQ ")
    account.full_clean(exclude=["handle_key"])
    assert account.handle == account.external_id == "UCxwOcnZ9pnGKFpZy7yjJdrQ"
    assert account.url == f"https://www.youtube.com/channel/{account.handle}"


def test_cleaning_refuses_a_handle_with_the_reason(office):
    with pytest.raises(ValidationError, match="1 to 15 letters"):
        Account(organization=office, platform="x", handle="=cmd()").full_clean()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"platform": "facebook"}, ["HHS"]),
        ({"organization": "Office"}, ["CDCgov"]),
        ({"core": True}, ["HHS"]),
        ({"active": False}, ["HHS"]),
        ({"search": "@cdcGOV"}, ["CDCgov"]),
        ({"search": "health department"}, ["HHS"]),
        ({"search": "100%"}, []),
        ({}, ["HHS", "CDCgov"]),
    ],
)
def test_a_filter_keeps_the_rows_it_names(cdc, filters, expected):
    health = Organization.objects.create(name="Department of Health")
    Account.objects.create(organization=health, platform="facebook", handle="HHS", is_core=True, is_active=False)
    assert [a.handle for a in Account.objects.matching(**filters).for_list()] == expected


@pytest.mark.req("A23")
@pytest.mark.parametrize("rows", [10, 200])
def test_a_list_with_organisation_names_is_one_query(office, django_assert_num_queries, rows):
    make(office, rows)
    with django_assert_num_queries(1):
        assert len([a.organization.name for a in Account.objects.for_list()]) == rows


def indexes_of(model):
    """First columns and names of a table's indexes, as the database itself lists them."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return {name: row["columns"] for name, row in found.items() if row["index"] or row["unique"]}


@pytest.mark.both_dbs
@pytest.mark.req("A17")
def test_the_database_lists_an_index_that_starts_with_platform():
    assert indexes_of(Account)["account_platform_handle_uniq"] == ["platform", "handle_key"]


@pytest.mark.both_dbs
@pytest.mark.req("A18")
def test_the_database_lists_an_index_on_the_handle():
    assert indexes_of(Account)["ix_account_handle"] == ["handle_key"]


@pytest.mark.both_dbs
def test_no_index_of_the_registry_is_built_twice():
    columns = [tuple(c) for name, c in indexes_of(Account).items() if "external" not in name]
    assert not [one for one in columns for other in columns if one != other and other[: len(one)] == one]
    assert len(set(columns)) == len(columns)


@pytest.mark.both_dbs
@pytest.mark.req("A18")
def test_looking_a_handle_up_whatever_its_case_uses_an_index(office):
    platforms = sorted(PLATFORMS)
    Account.objects.bulk_create(
        Account(organization=office, platform=platforms[i % 13], handle=f"h{i}", handle_key=f"h{i}")
        for i in range(2_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_account")
    served = r"using (index )?(account_platform_handle_uniq|sqlite_autoindex_accounts_account_\d|ix_account_handle)"
    assert re.search(served, Account.objects.at("x", "H77").explain(), re.IGNORECASE)
    assert "ix_account_handle" in Account.objects.filter(handle_key="h77").explain()
