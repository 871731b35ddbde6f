"""Tags: one per name whatever the case, all of a filter's tags are needed, and every change is told once."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Account, AccountTag, Tag
from accounts.tags import NotATag, clean_tags, split_tags

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


@pytest.fixture
def three(office):
    """Three accounts: the first tagged flu and kids, the second flu, the third nothing."""
    accounts = [Account.objects.create(organization=office, platform="x", handle=f"a{i}") for i in range(3)]
    Account.objects.filter(pk=accounts[0].pk).retag(None, add=["Flu", "kids"])
    Account.objects.filter(pk=accounts[1].pk).retag(None, add=["flu"])
    return accounts


def handles(rows):
    return [account.handle for account in rows.in_order()]


def test_a_tag_is_one_whatever_its_case(three):
    assert list(Tag.objects.with_counts().values_list("name", "number")) == [("Flu", 2), ("kids", 1)]
    with pytest.raises(IntegrityError), transaction.atomic():
        Tag.objects.create(name="FLU")
    with pytest.raises(ValidationError, match="a tag of this name already"):
        Tag(name="fLU").full_clean()


@pytest.mark.parametrize(
    ("tags", "expected"),
    [([], ["a0", "a1", "a2"]), (["FLU"], ["a0", "a1"]), (["flu", "Kids"], ["a0"]), (["flu", "none"], [])],
)
def test_a_filter_wants_all_of_its_tags(three, tags, expected):
    assert handles(Account.objects.matching(tags=tags)) == expected


@pytest.mark.parametrize("name", ["", " ", "a;b", "a,b", "a\x00b", "a\u200bb", "x" * 51])
def test_a_text_that_cannot_be_a_tag_is_refused(name):
    with pytest.raises(ValidationError):
        Tag(name=name).full_clean()


def test_tags_of_a_cell_are_cleaned_sorted_and_each_once():
    assert split_tags(" flu season ;Kids,FLU  season;; ") == ["FLU season", "Kids"]
    with pytest.raises(NotATag, match="more than 50"):
        clean_tags(str(number) for number in range(51))


def test_retagging_many_counts_what_changed_and_is_told_once(three, told, events):
    told.clear()
    done = Account.objects.retag(None, add=["flu"], remove=["kids", "unknown"])
    assert done == (3, {"flu": 1}, {"kids": 1, "unknown": 0})
    assert [(said["ids"], said["fields"]) for said in told] == [([three[0].pk, three[2].pk], {"tags"})]
    assert events[-1][1:3] == ("accounts.tag", "3 accounts")
    assert not Tag.objects.filter(key="unknown").exists()


def test_a_dry_run_says_the_same_and_writes_nothing(three, told, events):
    told.clear()
    events.clear()
    assert Account.objects.retag(None, add=["new"], remove=["flu"], dry_run=True) == (3, {"new": 3}, {"flu": 2})
    assert (told, events, AccountTag.objects.count(), Tag.objects.count()) == ([], [], 3, 2)


def test_the_same_tag_is_not_added_and_removed_at_once(three):
    with pytest.raises(NotATag, match="at once"):
        Account.objects.retag(None, add=["Flu"], remove=["flu"])


@pytest.mark.parametrize(
    ("write", "about"),
    [
        (lambda tag, accounts: accounts[2].tags.add(tag), [2]),
        (lambda tag, accounts: accounts[0].tags.add(tag), []),
        (lambda tag, accounts: accounts[0].tags.remove(tag), [0]),
        (lambda tag, accounts: accounts[0].tags.set([]), [0]),
        (lambda tag, accounts: accounts[0].tags.clear(), [0]),
        (lambda tag, accounts: tag.accounts.add(*accounts), [2]),
        (lambda tag, accounts: tag.accounts.remove(accounts[1]), [1]),
        (lambda tag, accounts: tag.accounts.clear(), [0, 1]),
        (lambda tag, accounts: Tag(pk=tag.pk, name="Influenza").save(), [0, 1]),
        (lambda tag, accounts: Tag(pk=tag.pk, name="Flu").save(), []),
        (lambda tag, accounts: tag.delete(), [0, 1]),
        (lambda tag, accounts: Tag.objects.filter(key="flu").delete(), [0, 1]),
    ],
)
def test_every_change_of_tags_is_told_of_the_accounts_it_changed(three, told, write, about):
    told.clear()
    before = dict(Account.objects.values_list("pk", "updated_at"))
    write(Tag.objects.get(key="flu"), three)
    ids = [three[index].pk for index in about]
    assert [said["ids"] for said in told] == ([ids] if ids else [])
    after = dict(Account.objects.values_list("pk", "updated_at"))
    assert [pk for pk in after if after[pk] > before[pk]] == ids
