"""The registry's forms: what is stored, what is refused, and what a second look at it keeps."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.checking import import_checked
from accounts.forms import AccountForm, RosterForm
from accounts.models import Account

pytestmark = pytest.mark.django_db


def test_a_pasted_address_is_enough_to_add_an_account(admin_user):
    form = AccountForm({"address": "https://x.com/CDCgov", "organization": "CDC", "is_active": "on"})
    assert form.is_valid(), form.errors
    account = form.store(admin_user)
    assert (account.platform, account.handle, account.is_active, account.is_core) == ("x", "CDCgov", True, False)


def test_an_account_that_is_there_is_named_instead_of_stored(cdc):
    form = AccountForm({"platform": "x", "address": "cdcGOV", "organization": "CDC"})
    assert form.is_valid()
    assert form.store(None) is None
    assert form.taken == cdc
    assert form.errors["address"] == ["X CDCgov is already in the registry."]


def test_a_refused_address_is_said_beside_its_field():
    form = AccountForm({"address": "https://x.com/CDCgov/status/1", "organization": "CDC"})
    assert form.is_valid()
    assert form.store(None) is None
    assert "a post or another page" in form.errors["address"][0]


def test_an_edit_writes_only_the_fields_that_were_changed(cdc):
    form = AccountForm(
        {"address": "CDCgov", "organization": "Office", "owner_team": "Web", "is_active": "on"}, account=cdc
    )
    Account.objects.filter(pk=cdc.pk).update(is_core=True, display_name="Changed meanwhile")
    assert form.is_valid(), form.errors
    stored = form.store(None)
    assert (stored.owner_team, stored.is_core, stored.display_name) == ("Web", True, "Changed meanwhile")


def test_the_form_of_an_account_shows_it_as_it_is_and_keeps_its_platform(cdc):
    form = AccountForm(account=cdc)
    assert (form["address"].value(), form["organization"].value(), form["is_active"].value()) == (
        "CDCgov",
        "Office",
        True,
    )
    assert "platform" not in form.fields
    assert form.organizations == ["Office"]


def test_tags_are_shown_in_one_line_and_stored_where_they_changed(cdc, told):
    Account.objects.filter(pk=cdc.pk).retag(None, add=["Flu", "kids"])
    assert AccountForm(account=cdc)["tags"].value() == "Flu; kids"
    told.clear()
    data = {"address": "CDCgov", "organization": "Office", "is_active": "on"}
    same = AccountForm({**data, "tags": "KIDS, flu"}, account=cdc)
    assert (same.is_valid(), same.changed_data) == (True, [])
    other = AccountForm({**data, "tags": "kids; New one;"}, account=cdc)
    assert other.is_valid(), other.errors
    other.store(None)
    assert list(cdc.tags.order_by("key").values_list("name", flat=True)) == ["kids", "New one"]
    assert [said["fields"] for said in told] == [{"tags"}]


def test_a_tag_that_cannot_be_is_said_beside_its_field_and_kept_to_mend(cdc):
    form = AccountForm({"address": "CDCgov", "organization": "Office", "tags": "a\x00b"}, account=cdc)
    assert "cannot be a tag" in form.errors["tags"][0]
    assert form["tags"].value() == "a\x00b"


@pytest.mark.parametrize("as_file", [True, False])
def test_a_roster_is_read_from_a_file_or_from_pasted_text(as_file):
    text = "\ufeffPlatform,Handle\nX,café\nX,CDCgov\n"
    files = {"file": SimpleUploadedFile("roster.csv", text.encode())} if as_file else {}
    form = RosterForm({} if as_file else {"text": text}, files)
    assert form.is_valid(), form.errors
    draft = form.check(None)
    assert (draft.counts["refused"], draft.counts["new"]) == (1, 1)
    assert not Account.objects.exists()
    assert import_checked(draft, None).counts["new"] == 1


def test_a_roster_form_wants_exactly_one_source():
    both = {"text": "x.com/a"}, {"file": SimpleUploadedFile("a.csv", b"x.com/a")}
    for data, files in (({}, {}), ({"text": " \n"}, {}), both):
        assert "one of the two" in RosterForm(data, files).errors["__all__"][0]


def test_an_unreadable_roster_is_said_in_the_form():
    form = RosterForm({}, {"file": SimpleUploadedFile("roster.csv", b"Platform,Handle\nX,\xff\n")})
    assert "not UTF-8: byte 0xff on line 2" in form.errors["__all__"][0]
