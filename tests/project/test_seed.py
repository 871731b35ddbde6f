"""`manage.py seed`: the same rows for the same seed, what hangs on them right, nothing of anybody else's touched."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Account, Organization
from accounts.platforms import normalise_handle
from accounts.seeding import MOST_ACCOUNTS, MOST_SEEDS, Registry, handle_of
from perf.clock import today
from project.management.commands import seed as command
from snapshots.models import DailyTotal, LatestSnapshot, Quality, Snapshot, Source
from snapshots.rollups import Drift, recompute
from tests import factories
from tests.snapshots.test_rollups_property import expected_latest, expected_totals, stored_latest, stored_totals
from workitems.models import Comment, Photo, StatusChange, StatusTotal, WorkItem
from workitems.workflow import RULES

pytestmark = pytest.mark.django_db


def seed(**sizes: Any) -> str:
    out = StringIO()
    call_command("seed", yes=True, stdout=out, **sizes)
    return out.getvalue()


def digest() -> str:
    """All that a seed made, without ids and with days counted back from today."""
    names = ("account__handle", "account__platform", "account__organization__name", "date", "quality", "followers")
    names += ("followers_rounded", "following", "posts", "videos", "likes", "engagements")
    rows: list[Any] = list(Snapshot.objects.order_by("account__handle", "date").values_list(*names))
    rows += Account.objects.order_by("handle").values_list("handle", "display_name", "is_core", "is_active", "kind")
    rows += Account.tags.through.objects.order_by("account__handle", "tag__key").values_list(
        "account__handle", "tag__name"
    )
    rows += WorkItem.objects.order_by("number").values_list("number", "status", "detail", "submitted_at", "version")
    rows += Comment.objects.order_by("work_item__number", "created_at").values_list("text", "author_name", "created_at")
    return hashlib.sha256(repr([tuple(map(_relative, row)) for row in rows]).encode()).hexdigest()


def _relative(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.date() - today()).days, value.time()
    return (value - today()).days if hasattr(value, "isoformat") else value


@pytest.mark.both_dbs
def test_latest_rows_and_totals_are_what_the_figures_say() -> None:
    seed(accounts=60, days=45)
    assert recompute(write=False) == Drift(0, 0)
    assert (stored_latest(), stored_totals()) == (expected_latest(), expected_totals())
    assert {(s.source, s.date < today()) for s in Snapshot.objects.all()} == {(Source.SIMULATED, True)}


@pytest.mark.both_dbs
def test_same_seed_makes_same_rows_however_often_it_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    seed(accounts=30, days=20, items=30)
    at_once = digest()
    for model in (Snapshot, Account, Organization, WorkItem):
        model.objects.all().delete()
    monkeypatch.setattr(command, "ROWS", {"postgresql": 100, "sqlite": 100})
    seed(accounts=30, days=20, items=30)
    Account.objects.filter(handle__in=[handle_of(1, number) for number in range(7, 20)]).delete()
    WorkItem.objects.filter(number__gt="SEED1_0000011").delete()
    seed(accounts=30, days=20, items=30)
    assert digest() == at_once
    assert recompute(write=False) == Drift(0, 0)


def test_another_seed_adds_other_rows_and_leaves_all_others() -> None:
    ours = factories.snapshot(followers=777)
    seed(accounts=5, days=5)
    before = set(Snapshot.objects.values_list("pk", "followers"))
    seed(accounts=5, days=5, seed=2)
    assert before < set(Snapshot.objects.values_list("pk", "followers"))
    assert (ours.pk, 777) in before
    assert Account.objects.count() == 11


def test_data_has_what_real_data_has() -> None:
    seed(accounts=300, days=40)
    qualities = set(Snapshot.objects.values_list("quality", flat=True))
    assert qualities == {Quality.PUBLISHED, Quality.SUSPECT}
    assert Snapshot.objects.filter(followers_rounded=True).exists()
    assert Account.objects.filter(is_active=False).exists()
    assert Account.objects.filter(tags__name="English").exists()
    days = LatestSnapshot.objects.values_list("days", flat=True)
    assert min(days) < 20  # some were added late
    assert max(days) >= 38  # few days are blocked
    sizes = sorted(LatestSnapshot.objects.values_list("followers", flat=True), reverse=True)
    assert sizes[0] > 50 * sizes[150]
    assert DailyTotal.objects.values("platform").distinct().count() >= 5


def test_every_handle_is_legal_where_it_stands() -> None:
    longest = handle_of(MOST_SEEDS - 1, MOST_ACCOUNTS - 1)
    for platform in set(Registry(1, 60).platforms):
        assert normalise_handle(platform, longest) == longest


@pytest.mark.both_dbs
def test_history_of_every_item_is_a_way_the_workflow_allows() -> None:
    seed(items=120)
    for item in WorkItem.objects.prefetch_related("status_changes"):
        steps = list(item.status_changes.order_by("changed_at"))
        assert [step.old_status for step in steps] == ["", *(step.new_status for step in steps[:-1])]
        assert all((step.old_status, step.new_status) in RULES for step in steps[1:])
        assert (steps[-1].new_status, item.version) == (item.status, len(steps))
        assert all(
            step.reason
            for step in steps
            if (rule := RULES.get((step.old_status, step.new_status))) and rule.needs_reason
        )
    assert WorkItem.objects.values("status").distinct().count() == 5
    assert Comment.objects.exists()
    assert StatusChange.objects.filter(changed_by=None).count() == 0


def test_seeded_people_can_neither_sign_in_nor_do_anything() -> None:
    seed(items=1)
    people = {change.changed_by for change in StatusChange.objects.select_related("changed_by")}
    assert people
    assert not any(person.has_usable_password() or person.get_all_permissions() for person in people if person)


def test_answers_that_were_cached_before_are_forgotten(client: Client) -> None:
    client.force_login(factories.user("viewer"))
    assert client.get("/api/summary").json() == []
    seed(accounts=10, days=3)
    assert len(client.get("/api/summary").json()) == LatestSnapshot.objects.known().filter(is_active=True).count() > 0


def test_refused_where_real_figures_are_gathered() -> None:
    with pytest.raises(CommandError, match="say --yes"):
        call_command("seed", accounts=5)
    assert not Account.objects.exists()


def test_refused_in_a_demo_that_holds_observed_figures(settings: Any) -> None:
    settings.FAKE_PLATFORMS_URL = "http://127.0.0.1:1"
    factories.snapshot()
    with pytest.raises(CommandError, match="1 observed figures"):
        call_command("seed", accounts=5)
    assert Account.objects.count() == 1


@pytest.mark.parametrize("sizes", [{"accounts": MOST_ACCOUNTS + 1}, {"days": 0}, {"items": -1}, {"seed": MOST_SEEDS}])
def test_impossible_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="must be between"):
        seed(**sizes)


def test_photos_of_items_share_files_and_are_counted_beside_them() -> None:
    seed(items=120)
    numbers = {item.number: (item.photo_count, item.comment_count, item.captions) for item in WorkItem.objects.all()}
    assert sum(photos for photos, _, _ in numbers.values()) == Photo.objects.count() > 240
    totals = dict(StatusTotal.objects.values_list("status", "items"))
    assert totals == Counter(WorkItem.objects.values_list("status", flat=True))
    WorkItem.objects.recount()
    counted = {item.number: (item.photo_count, item.comment_count, item.captions) for item in WorkItem.objects.all()}
    assert {name: (*rest, sorted(lines.split("\n"))) for name, (*rest, lines) in numbers.items()} == {
        name: (*rest, sorted(lines.split("\n"))) for name, (*rest, lines) in counted.items()
    }
    files = {name for row in Photo.objects.values_list("original", "rendition", "thumbnail_path") for name in row}
    assert len(files) <= 24
    assert all(default_storage.exists(name) for name in files)
