from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from perf import clock
from snapshots.models import LatestSnapshot, Snapshot
from tests import factories

pytestmark = pytest.mark.django_db

TODAY = clock.today()
SNAPSHOTS = "admin:snapshots_snapshot_changelist"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(factories.user("admin", password=None, is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def doubted() -> Snapshot:
    account = factories.account(handle="cdcgov")
    factories.snapshot(account, TODAY - dt.timedelta(days=1), 1_000)
    return factories.snapshot(account, TODAY, 90_000, quality="suspect")


@pytest.mark.parametrize(
    ("action", "quality", "followers"), [("accept", "published", 90_000), ("reject", "rejected", 1_000)]
)
def test_doubted_figure_is_judged_from_the_list(
    admin: Client, doubted: Snapshot, action: str, quality: str, followers: int
) -> None:
    answer = admin.post(reverse(SNAPSHOTS), {"action": action, "_selected_action": [doubted.pk]}, follow=True)
    assert f"1 {action}ed" in answer.content.decode()
    doubted.refresh_from_db()
    assert doubted.quality == quality
    assert LatestSnapshot.objects.get().followers == followers


def test_list_narrows_to_what_waits(admin: Client, doubted: Snapshot) -> None:
    answer = admin.get(reverse(SNAPSHOTS), {"to_judge": "1"})
    assert list(answer.context["cl"].queryset) == [doubted]


def test_rows_deleted_in_the_admin_leave_the_latest_row_right(admin: Client, doubted: Snapshot) -> None:
    first = Snapshot.objects.published().get()
    selected = {"action": "delete_selected", "_selected_action": [first.pk], "post": "yes"}
    admin.post(reverse(SNAPSHOTS), selected)
    assert not Snapshot.objects.filter(pk=first.pk).exists()
    assert not LatestSnapshot.objects.known().exists()


@pytest.mark.parametrize("model", ["snapshot", "latestsnapshot", "dailytotal"])
def test_kept_rows_are_read_and_never_typed_in(admin: Client, doubted: Snapshot, model: str) -> None:
    assert admin.get(reverse(f"admin:snapshots_{model}_changelist")).status_code == 200
    assert admin.get(reverse(f"admin:snapshots_{model}_add")).status_code == 403


def test_list_makes_no_query_per_row(admin: Client, django_assert_max_num_queries: object) -> None:
    for n in range(20):
        factories.snapshot(factories.account(handle=f"h{n}"))
    with django_assert_max_num_queries(15):  # type: ignore[operator]  # pytest-django's fixture
        admin.get(reverse(SNAPSHOTS))


def test_decisions_are_read_with_whom_and_how_many(admin: Client, doubted: Snapshot) -> None:
    admin.post(reverse(SNAPSHOTS), {"action": "accept", "_selected_action": [doubted.pk]})
    page = admin.get(reverse("admin:snapshots_judgement_changelist")).content.decode()
    assert "1 (cdcgov)" in page
    assert admin.get(reverse("admin:snapshots_judgement_add")).status_code == 403
