"""Work items: who sees and edits what, the bin, and indexes that exist once and are used."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from perf.clock import now
from tests.workitems.conftest import draft, person
from workitems.models import Comment, Photo, StatusChange, WorkItem
from workitems.workflow import Status, submit

pytestmark = pytest.mark.django_db


def test_people_see_every_item_but_not_the_bin_and_others_see_none(item, mark, art, dana, boss):
    other = submit(draft(), art)
    WorkItem.objects.filter(pk=other.pk).move_to_bin(boss)
    strangers = [person("viewer", "viewer"), AnonymousUser()]
    assert [list(WorkItem.objects.visible_to(user)) for user in (mark, art, dana, boss)] == [[item]] * 4
    assert [list(WorkItem.objects.visible_to(user)) for user in strangers] == [[], []]


@pytest.mark.parametrize("status", Status)
def test_crew_edit_their_own_and_assigned_items_while_open_and_reviewers_all(item, mark, art, dana, status):
    WorkItem.objects.filter(pk=item.pk).update(status=status)
    item.refresh_from_db()
    is_open = status in {Status.SUBMITTED, Status.NEEDS_REVISION, Status.AWAITING_PHOTOS}
    for user, expected in ((mark, is_open), (art, False), (dana, True)):
        assert (item.may_edit(user), WorkItem.objects.editable_by(user).exists()) == (expected, expected)
    WorkItem.objects.filter(pk=item.pk).update(assigned_to=art, submitter=None)
    item.refresh_from_db()
    for user, expected in ((mark, False), (art, is_open), (AnonymousUser(), False)):
        assert (item.may_edit(user), WorkItem.objects.editable_by(user).exists()) == (expected, expected)


def test_internal_notes_are_for_reviewers_alone(item, mark, dana):
    item.internal_notes = "Yard is late."
    assert (item.internal_notes_for(mark), item.internal_notes_for(dana)) == ("", "Yard is late.")


def test_a_person_who_leaves_stays_by_name_on_what_they_wrote(item, mark):
    mark.delete()
    stored = WorkItem.objects.get()
    assert (stored.submitter, stored.submitter_name, stored.assigned_to_name) == (None, "Mark", "Mark")
    assert StatusChange.objects.get().changed_by_name == "Mark"


def test_an_item_goes_to_the_bin_and_back_each_time_as_a_new_version(item, boss, events):
    assert (WorkItem.objects.move_to_bin(boss), WorkItem.objects.move_to_bin(boss)) == (1, 0)
    item.refresh_from_db()
    assert (item.deleted_by, item.version, item.may_edit(boss)) == (boss, 2, False)
    assert WorkItem.objects.restore(boss) == 1
    assert WorkItem.objects.present().get().version == 3
    assert [event[1] for event in events[-2:]] == ["workitems.delete", "workitems.restore"]


def test_what_waits_for_someone_is_what_is_open_and_assigned_to_them(item, mark, art):
    mine = submit(draft(), mark)
    WorkItem.objects.filter(pk=item.pk).update(status=Status.COMPLETED_REVIEW)
    assert list(WorkItem.objects.waiting_for(mark)) == [mine]
    assert not WorkItem.objects.waiting_for(art).exists()


@pytest.mark.both_dbs
@pytest.mark.parametrize("values", [{"status": "lost"}, {"number": ""}])
def test_the_database_refuses_an_unknown_state_and_a_blank_number(item, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkItem.objects.update(**values)


def fill(count, start=0, children=2):
    """`count` items for 40 people over many days, with two photos and two comments each."""
    User.objects.bulk_create((User(username=f"user{n}") for n in range(40)), ignore_conflicts=True)
    users = list(User.objects.filter(username__startswith="user").order_by("pk"))
    items = WorkItem.objects.bulk_create(
        draft(
            number=f"N{n}",
            submitter_name=f"user{n % 40}",
            submitted_at=now() - timedelta(hours=n),
            status=list(Status)[n % 7 % 5],
            assigned_to=users[n % 40],
        )
        for n in range(start, start + count)
    )
    for model, values in ((Photo, {"sha256": "0", "size": 1}), (Comment, {"text": "seen"})):
        model.objects.bulk_create(model(work_item=item, **values) for item in items for _ in range(children))
    return users


def indexes_of(model):
    """Columns by name of a table's indexes, as the database itself lists them."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return {name: row["columns"] for name, row in found.items() if row["index"] or row["unique"] or row["primary_key"]}


@pytest.mark.both_dbs
@pytest.mark.parametrize(
    ("model", "name", "first"),
    [
        pytest.param(WorkItem, "ix_workitem_by_status", ["status", "submitted_at"], marks=pytest.mark.req("B8", "B13")),
        pytest.param(WorkItem, "ix_workitem_by_date", ["submitted_at"], marks=pytest.mark.req("B9")),
        pytest.param(WorkItem, "ix_workitem_assigned_to", ["assigned_to_id"], marks=pytest.mark.req("B10")),
        pytest.param(WorkItem, "workitem_number_uniq", ["number"], marks=pytest.mark.req("B11")),
        pytest.param(WorkItem, "ix_workitem_by_submitter", ["submitter_name"], marks=pytest.mark.req("B12")),
        pytest.param(Photo, "ix_photo_work_item", ["work_item_id"], marks=pytest.mark.req("B14")),
        pytest.param(Comment, "ix_comment_work_item", ["work_item_id"], marks=pytest.mark.req("B15")),
        pytest.param(Comment, "ix_comment_created_at", ["created_at"], marks=pytest.mark.req("B16")),
        pytest.param(StatusChange, "ix_status_change_work_item", ["work_item_id"], marks=pytest.mark.req("B17")),
        pytest.param(StatusChange, "ix_status_change_changed_at", ["changed_at"], marks=pytest.mark.req("B18")),
    ],
)
def test_the_database_lists_the_index(model, name, first):
    assert indexes_of(model)[name][: len(first)] == first


@pytest.mark.both_dbs
def test_no_index_is_built_twice():
    for model in (WorkItem, Photo, Comment, StatusChange):
        only_of = {
            one.name: getattr(one, "condition", None) for one in (*model._meta.indexes, *model._meta.constraints)
        }
        built = [(tuple(listed), only_of.get(name)) for name, listed in indexes_of(model).items()]
        assert not [
            one
            for i, (one, rows) in enumerate(built)
            for j, (other, their_rows) in enumerate(built)
            if i != j and other[: len(one)] == one and rows == their_rows
        ]


@pytest.mark.both_dbs
@pytest.mark.req("B1", "B9", "B10", "B11", "B13")
def test_the_lists_are_read_in_index_order_without_sorting():
    users = fill(2_000, children=0)
    newest, rare = ("-submitted_at", "-pk"), list(Status)[4]  # of a common one the other index costs nearly the same
    common = list(WorkItem.objects.filter(status=rare).values_list("pk", flat=True))[100:]
    WorkItem.objects.filter(pk__in=common).update(status=Status.SUBMITTED)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    rows = WorkItem.objects.only("pk")
    plans = {
        "ix_workitem_by_date": rows.order_by(*newest)[:25].explain(),
        "ix_workitem_by_status": rows.filter(status=rare).order_by(*newest)[:25].explain(),
    }
    for name, plan in plans.items():
        assert name in plan
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan
    assert "ix_workitem_assigned_to" in WorkItem.objects.waiting_for(users[0]).explain()
    assert "ix_workitem_assigned_to" in WorkItem.objects.sent_back_to(users[0])[:6].explain()
    unique = "workitem_number_uniq" if connection.vendor == "postgresql" else "(number=?)"  # SQLite names it itself
    assert unique in WorkItem.objects.filter(number="N7").explain()
    assert indexes_of(WorkItem)["workitem_number_uniq"] == ["number"]  # one number, one item


@pytest.mark.both_dbs
@pytest.mark.req("B19")
def test_indexes_come_and_go_on_a_filled_database_without_losing_a_row(restored):
    def to(name):
        MigrationExecutor(connection).migrate([("workitems", name)])

    fill(200)
    to("0001_initial")
    assert not [name for name in indexes_of(WorkItem) if name.startswith("ix_")]
    to("0002_add_indexes")
    to("0002_add_indexes")
    assert len([name for name in indexes_of(WorkItem) if name.startswith("ix_")]) == 5
    assert (WorkItem.objects.count(), Photo.objects.count(), User.objects.count()) == (200, 400, 40)
