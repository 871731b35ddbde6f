"""What platforms say of accounts: filled in where it is news, never at an editor's cost."""

from __future__ import annotations

import pytest

from accounts.models import Account

pytestmark = pytest.mark.django_db


def test_learned_facts_fill_and_change_but_never_empty_or_overwrite_an_editors_name(cdc, told):
    cdc.display_name, cdc.bio = "Our name for it", "Old"
    cdc.save()
    del told[:]
    facts = {"display_name": "Theirs", "bio": "New", "external_id": "7", "image_url": "", "followers": 9}
    assert Account.objects.learn({cdc.pk: facts}) == []
    cdc.refresh_from_db()
    assert (cdc.display_name, cdc.bio, cdc.external_id, cdc.image_url) == ("Our name for it", "New", "7", "")
    assert told[0]["fields"] == {"bio", "external_id"}


def test_facts_already_known_write_and_tell_nothing(cdc, told, django_assert_num_queries):
    Account.objects.learn({cdc.pk: {"external_id": "7"}})
    del told[:]
    with django_assert_num_queries(4):  # savepoint, owners, rows, release
        Account.objects.learn({cdc.pk: {"external_id": "7"}})
    assert told == []


def test_a_learned_id_that_another_account_has_is_reported_and_not_stored(office):
    owner, late, twin = (
        Account.objects.create(organization=office, platform="x", handle=handle) for handle in ("one", "two", "three")
    )
    owner.external_id = "7"
    owner.save()
    clashing = Account.objects.learn(
        {late.pk: {"external_id": "7", "bio": "kept"}, owner.pk: {"external_id": "7"}, twin.pk: {"external_id": "8"}}
    )
    late.refresh_from_db()
    assert (clashing, late.external_id, late.bio) == ([late.pk], "", "kept")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "https://" + "a" * 1000])
def test_a_learned_link_that_cannot_be_shown_as_one_is_dropped(cdc, link):
    Account.objects.learn({cdc.pk: {"bio_link": link, "image_url": link, "verified": "purple", "bio": "a\x00b"}})
    cdc.refresh_from_db()
    assert (cdc.bio_link, cdc.image_url, cdc.verified, cdc.bio) == ("", "", "", "ab")
