"""Pages that seek: the same rows as counting through the whole list, on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from django.contrib.auth.models import Permission, User
from django.core import signing
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from perf import pagination
from perf.keyset import Beyond, Order
from perf.pagination import page_number, page_size, paginate

ORDERS = {
    "unique": ["username"],
    "descending": ["-username"],
    "ties": ["-is_active", "-id"],
    "mixed": ["is_active", "-first_name", "id"],
    "made total": ["first_name"],
    "nulls": ["last_login"],
    "nulls descending": ["-last_login", "-id"],
    "nulls and ties": ["-last_login", "-first_name", "-id"],
    "nulls, mixed": ["last_login", "-first_name", "id"],
}
NUMBER = 47


@pytest.fixture
def users(db):
    """47 users with ties in every column but the name, a third of whom never signed in."""
    day = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
    User.objects.bulk_create(
        User(
            username=f"user{number * 7 % NUMBER:02}",
            first_name="abc"[number % 3],
            is_active=number % 2 == 0,
            last_login=None if number % 3 == 1 else day + timedelta(microseconds=number // 4),
        )
        for number in range(NUMBER)
    )
    return User.objects.all()


def whole(rows, order) -> list[int]:
    """The ids in the order meant, sorted in Python: NULLs last, then the primary key as the tie-break."""
    found = list(rows)
    total = {name.lstrip("-") for name in order} & {"id", "username"}
    for name in reversed([*order, *([] if total else [("-" if order[-1][0] == "-" else "") + "id"])]):
        field, down = name.lstrip("-"), name.startswith("-")
        given = sorted(
            (row for row in found if getattr(row, field) is not None), key=lambda row: getattr(row, field), reverse=down
        )  # used at once
        found = given + [row for row in found if getattr(row, field) is None]
    return [row.pk for row in found]


def ids(page) -> list[int]:
    return [row.pk for row in page.object_list]


def follow(rows, order, query, **options):
    return paginate(rows, order=order, page=query["page"], after=query.get("after", ""), per_page=10, **options)


@pytest.mark.both_dbs
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
class TestOrders:
    def test_next_walks_through_every_row_once(self, users, order):
        page, seen = paginate(users, order=order, per_page=10), []
        while True:
            seen += ids(page)
            if not page.next_after:
                break
            page = paginate(users, order=order, page=page.number + 1, per_page=10, after=page.next_after)
        assert seen == whole(users, order)
        assert page.number == 5

    def test_every_link_of_every_page_leads_to_its_rows(self, users, order):
        expected = whole(users, order)
        for number in range(1, 6):
            page = paginate(users, order=order, page=number, per_page=10)
            assert ids(page) == expected[10 * (number - 1) : 10 * number]
            for label, query in page.links:
                if query is None:
                    continue
                there = follow(users, order, query)
                assert ids(there) == expected[10 * (query["page"] - 1) : 10 * query["page"]], (number, label)
                assert there.has_next() == (query["page"] < 5)

    def test_previous_walks_back_to_the_start(self, users, order):
        page, seen = paginate(users, order=order, page=5, per_page=10), []
        seen.append(ids(page))
        while page.number > 1:
            page = paginate(users, order=order, page=page.number - 1, per_page=10, after=page.previous_after)
            seen.append(ids(page))
        assert list(chain.from_iterable(reversed(seen))) == whole(users, order)


@pytest.mark.both_dbs
def test_near_pages_and_the_last_seek(users):
    page = paginate(users, order=["username"], page=7, per_page=3)
    assert [label for label, _ in page.links] == ["Previous", 1, "…", 5, 6, 7, 8, 9, "…", 16, "Next"]
    bare = [label for label, query in page.links if query and "after" not in query]
    assert bare == [1]


@pytest.mark.both_dbs
def test_rows_added_before_a_page_do_not_shift_the_next(users):
    first = paginate(users, order=["username"], per_page=10)
    User.objects.create(username="aaa")
    second = paginate(users, order=["username"], page=2, per_page=10, after=first.next_after)
    assert ids(second)[0] == whole(users.exclude(username="aaa"), ["username"])[10]


def test_rows_removed_before_a_page_lead_back_to_the_first(users):
    third = paginate(users, order=["username"], page=3, per_page=10)
    keep = [row.pk for row in third.object_list]
    User.objects.filter(pk__in=whole(users, ["username"])[:15]).delete()
    before = paginate(users, order=["username"], page=2, per_page=10, after=third.previous_after)
    assert before.number == 1
    assert ids(before)[5:] == keep[:5]


@pytest.mark.parametrize(
    "after",
    [
        "junk",
        "W10:forged",
        signing.Signer(salt="other").sign_object(["x", "a", [1]]),
        signing.Signer(salt="perf.keyset", algorithm="sha1").sign_object(["0000", "a", ["user01"]]),
    ],
    ids=["junk", "unsigned", "signed elsewhere", "of no order"],
)
def test_a_forged_cursor_is_ignored(users, after):
    page = paginate(users, order=["username"], page=2, per_page=10, after=after)
    assert ids(page) == whole(users, ["username"])[10:20]


def test_a_cursor_of_another_order_is_ignored(users):
    after = paginate(users, order=["-username"], per_page=10).next_after
    page = paginate(users, order=["username"], page=2, per_page=10, after=after)
    assert ids(page) == whole(users, ["username"])[10:20]


@pytest.mark.parametrize(
    ("raw", "number"),
    [("3", 3), (None, 1), ("", 1), ("x", 1), ("0", 1), ("-2", 1), ("1.5", 1), ("٣", 1), ("1_0", 1), (" 2 ", 2), (4, 4)],
)
def test_a_junk_page_is_the_first(raw, number):
    assert page_number(raw) == number


def test_a_huge_page_number_is_an_empty_page(users):
    assert ids(paginate(users, order=["username"], page=page_number("9" * 40))) == []


@pytest.mark.parametrize(("raw", "size"), [("10", 10), ("9999", 100), ("x", 25), ("0", 25), (None, 25), ("-1", 25)])
def test_a_page_size_is_clamped(raw, size):
    assert page_size(raw, 25, 100) == size


def test_past_the_end_is_empty_or_the_last_page(users):
    beyond = paginate(users, order=["username"], page=9, per_page=10)
    assert (ids(beyond), beyond.total, beyond.paginator.num_pages) == ([], 47, 5)
    assert (beyond.start_index(), beyond.end_index(), beyond.has_next()) == (0, 0, False)
    last = paginate(users, order=["username"], page=9, per_page=10, clamp=True)
    assert (last.number, ids(last)) == (5, whole(users, ["username"])[40:])


def test_an_empty_list_has_one_empty_page(db):
    page = paginate(User.objects.none(), order=["username"])
    assert (page.total, page.number, page.paginator.num_pages, page.links) == (0, 1, 1, [])
    assert paginate(User.objects.filter(pk=-1), order=["username"], page=3, clamp=True).number == 1


def test_showing_from_to_is_right_on_first_middle_and_last(users):
    shown = [
        (page.start_index(), page.end_index())
        for page in (paginate(users, order=["username"], page=number, per_page=10) for number in (1, 3, 5))
    ]
    assert shown == [(1, 10), (21, 30), (41, 47)]


def test_long_lists_are_counted_to_a_bound(users, monkeypatch):
    monkeypatch.setattr(pagination, "COUNT_MAX", 30)
    page = paginate(users, order=["username"], page=2, per_page=10)
    assert (page.total, page.total_is_lower_bound) == (30, True)
    assert [label for label, _ in page.links] == ["Previous", 1, 2, 3, "Next"]
    beyond = paginate(users, order=["username"], page=4, per_page=10)
    assert (len(ids(beyond)), beyond.paginator.num_pages, beyond.has_next()) == (10, 5, True)
    assert paginate(users, order=["username"], page=5, per_page=10).has_next() is False


def test_a_known_total_spares_the_count(users, django_assert_num_queries):
    with django_assert_num_queries(1):
        page = paginate(users, order=["username"], per_page=10, total=47)
        list(page.object_list)
    with django_assert_num_queries(2):
        paginate(users, order=["username"], per_page=10)


@pytest.mark.both_dbs
def test_values_rows_keep_their_shape(users):
    pairs = users.values_list("first_name", "is_active")
    first = paginate(pairs, order=["-username"], per_page=10)
    second = paginate(pairs, order=["-username"], page=2, per_page=10, after=first.next_after)
    assert second.object_list == list(pairs.order_by("-username")[10:20])
    dicts = users.annotate(full=Concat("first_name", Value("/"), "username")).values("full")
    first = paginate(dicts, order=["full"], per_page=10)
    second = paginate(dicts, order=["full"], page=2, per_page=10, after=first.next_after)
    assert second.object_list == list(dicts.order_by("full")[10:20])
    assert list(second.object_list[0]) == ["full"]


@pytest.mark.both_dbs
def test_columns_are_joined_for_their_page_alone(db):
    columns = ["name", "content_type__app_label"]
    expected = list(Permission.objects.order_by("-id").values_list(*columns))
    with CaptureQueriesContext(connection) as captured:
        page = paginate(Permission.objects.all(), order=["-id"], columns=columns, page=2, per_page=5)
    assert page.object_list == expected[5:10]
    assert ["JOIN" in query["sql"] for query in captured] == [False, False, True]  # the count, the key, the page


def test_rows_without_named_columns_are_refused(users):
    with pytest.raises(ValueError, match="name their columns"):
        paginate(users.values_list("id", flat=True), order=["id"])


def test_only_the_first_column_may_be_nullable(users):
    with pytest.raises(ValueError, match="last_login"):
        paginate(users, order=["first_name", "last_login", "id"])


@pytest.mark.both_dbs
def test_an_order_may_run_through_a_relation(db):
    rows = Permission.objects.select_related("content_type")
    order = ["content_type__app_label", "content_type__model", "codename"]
    expected = list(rows.order_by(*order, "id"))
    first = paginate(rows, order=order, per_page=7)
    second = paginate(rows, order=order, page=2, per_page=7, after=first.next_after)
    assert second.object_list == expected[7:14]


def test_unique_together_needs_no_further_column(users):
    assert Order(Permission.objects.all(), ["-content_type", "-codename"]).names == [
        "content_type_id",
        "codename",
    ]
    assert Order(users, ["first_name"]).names == ["first_name", "id"]


def test_the_envelope_has_the_names_scripts_rely_on(users):
    page = paginate(users.values_list("username"), order=["username"], per_page=10)
    answer = page.envelope()
    assert list(answer) == ["data", "total", "page", "per_page", "pages", "next"]
    assert (answer["total"], answer["page"], answer["per_page"], answer["pages"]) == (47, 1, 10, 5)
    assert paginate(users, order=["username"], page=2, per_page=10, after=answer["next"]).number == 2
    assert "next" not in paginate(users, order=["username"], page=5, per_page=10).envelope([])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="reads a PostgreSQL plan")
def test_a_seek_is_an_index_condition(db):
    order = Order(Permission.objects.all(), ["-content_type", "-codename"])
    cursor = order.decode(
        paginate(Permission.objects.all(), order=["-content_type", "-codename"], per_page=5).next_after
    )
    with connection.cursor() as database:
        database.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        # Of so few rows a sort costs as little as the index; where no index serves, it sorts all the same.
        database.execute("SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off")
    plan = Permission.objects.filter(Beyond(order.columns, cursor.key, "<")).order_by("-content_type_id", "-codename")
    assert "Index Cond: (ROW" in plan.explain()
    assert "Sort" not in plan.explain()


def test_what_no_index_sorts_is_sorted_by_its_keys_alone(users):
    assert Order(users, ["username"]).is_indexed
    assert not Order(users, ["first_name"]).is_indexed
    assert not Order(users.annotate(rank=F("id") * 2), ["rank"]).is_indexed
    expected = whole(users, ["first_name"])
    with CaptureQueriesContext(connection) as captured:
        assert ids(paginate(users, order=["first_name"], per_page=10, total=NUMBER)) == expected[:10]
    (query,) = captured
    assert re.search(r'IN \(SELECT \S+"id" .*ORDER BY .*LIMIT 11\)', query["sql"])


def test_a_bare_number_reads_one_key_and_one_page(users):
    for order in (["username"], ["-is_active"]):
        expected = whole(users, order)
        with CaptureQueriesContext(connection) as captured:
            assert ids(paginate(users, order=order, page=2, per_page=10, total=NUMBER)) == expected[10:20]
        key, _page = captured
        assert "LIMIT 1 OFFSET 9" in key["sql"]
        assert "password" not in key["sql"]


@pytest.mark.both_dbs
@pytest.mark.parametrize("order", [["is_active", "id"], ["-is_active", "-id"]])
def test_groups_spare_a_bare_number_what_it_would_skip(users, order):
    groups = [(True, 24), (False, 23)] if order[0][0] == "-" else [(False, 23), (True, 24)]
    expected = whole(users, order)
    with CaptureQueriesContext(connection) as captured:
        pages = [
            paginate(users, order=order, page=n, per_page=7, total=NUMBER, groups=lambda: groups) for n in range(2, 8)
        ]
    assert [ids(page) for page in pages] == [expected[7 * n : 7 * n + 7] for n in range(1, 7)]
    skipped = [int(offset) for query in captured for offset in re.findall(r"OFFSET (\d+)", query["sql"])]
    assert max(skipped) <= 12  # half of the larger group
    assert ids(paginate(users, order=order, page=9, per_page=7, groups=lambda: groups)) == []


def test_sorting_by_expression_columns_needs_no_model_field(users):
    rows = users.annotate(rank=F("id") * 2)
    page = paginate(rows, order=["-rank", "id"], page=2, per_page=10)
    assert ids(page) == list(rows.order_by("-rank").values_list("pk", flat=True)[10:20])
