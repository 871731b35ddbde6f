"""The mend of a repeated query, guessed from the SQL that Django really sends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from accounts.models import Account, AccountTag, Organization
from accounts.tags import Tag
from perf.findings.relations import Before, advice
from perf.statements import statement
from tests import factories
from workitems.models import Comment, Photo, WorkItem

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def of_items(read: Callable[[WorkItem], object]) -> None:
    for item in WorkItem.objects.all():
        read(item)


def of_photos() -> None:
    for photo in Photo.objects.select_related("work_item"):
        assert photo.work_item.submitter


def of_accounts(read: Callable[[Account], object]) -> None:
    for account in Account.objects.all():
        read(account)


def write_comments() -> None:
    for item in WorkItem.objects.all():
        Comment.objects.create(work_item=item, text="Seen")


LOOPS: dict[str, tuple[Callable[[], object], str]] = {
    "children": (
        lambda: of_items(lambda item: list(item.photos.all())),
        'add prefetch_related("photos") to the query of work items (first:1)',
    ),
    "counts": (
        lambda: of_items(lambda item: item.photos.count()),
        'add annotate(Count("photos")) to the query of work items (first:1)',
    ),
    "exists": (
        lambda: of_items(lambda item: item.photos.exists()),
        'add annotate(Exists(Photo.objects.filter(work_item=OuterRef("pk")))) to the query of work items (first:1)',
    ),
    "children without a way back": (
        lambda: of_accounts(lambda account: list(AccountTag.objects.filter(account=account))),
        "ask once for all rows before the loop, with filter(account__in=…)",
    ),
    "sums": (
        lambda: of_items(lambda item: item.photos.aggregate(Sum("size"))),
        'add annotate(Sum("photos__size")) to the query of work items (first:1)',
    ),
    "parent": (
        lambda: of_accounts(lambda account: account.organization.name),
        'add select_related("organization") to the query of accounts (first:1)',
    ),
    "parent of a joined row": (
        of_photos,
        'add select_related("work_item__submitter") to the query of photos (first:1)',
    ),
    "one to one": (
        lambda: of_accounts(lambda account: account.latest),
        'add select_related("latest") to the query of accounts (first:1)',
    ),
    "many to many": (
        lambda: of_accounts(lambda account: list(account.tags.all())),
        'add prefetch_related("tags") to the query of accounts (first:1)',
    ),
    "left out": (
        lambda: [item.detail for item in WorkItem.objects.only("number")],
        "detail was left out of the query of work items (first:1): read it there",
    ),
    "writes": (write_comments, "write all rows at once with bulk_create()"),
    "by number": (
        lambda: [WorkItem.objects.filter(location=str(number)).first() for number in range(3)],
        "ask once for all rows before the loop, with filter(location__in=…)",
    ),
}


@pytest.fixture
def rows() -> None:
    for number in range(2):
        factories.item(photos=2)
        account = factories.snapshot().account
        AccountTag.objects.create(account=account, tag=Tag.objects.create(name=f"Tag {number}"))


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_told_the_relation_it_follows(name: str, rows: None) -> None:
    loop, mend = LOOPS[name]
    asked: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(statement(sql).shape)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        loop()
    asked = [shape for shape in asked if "SAVEPOINT" not in shape]
    repeated = next(shape for shape in asked if asked.count(shape) > 1)
    before = [Before(shape, "first:1") for shape in asked[: asked.index(repeated)]]
    assert advice(repeated, before, "assert photo.work_item.submitter") == mend


def test_where_the_line_does_not_say_the_relation_all_are_named(db: None) -> None:
    photos = statement(str(Photo.objects.all().query)).shape
    person = statement(
        'SELECT "auth_user"."id", "auth_user"."email" FROM "auth_user" WHERE "auth_user"."id" = %s'
    ).shape
    either = 'select_related("verdict_by") or select_related("uploaded_by") or select_related("deleted_by")'
    mend = f"add {either} to the query of photos (first:1)"
    assert advice(person, [Before(photos, "first:1")], "return render(request, page)") == mend


def test_rows_asked_for_one_by_one_are_told_apart_from_a_relation_of_rows_out_of_a_cache() -> None:
    asked = statement(str(Organization.objects.filter(pk=1).query)).shape
    by_number = advice(asked, [], "names.append(Organization.objects.get(pk=number).name)")
    assert by_number == "ask once for all rows before the loop, with in_bulk()"
    followed = advice(asked, [], "names.append(account.organization.name)")
    assert followed == 'add select_related("organization") to the query before the loop'


def test_a_query_of_no_known_table_is_told_the_general_remedy() -> None:
    mend = "ask once for all rows before the loop, with filter(harbour__in=…)"
    assert advice("SELECT height FROM tides WHERE harbour = ?", []) == mend
