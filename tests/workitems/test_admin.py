"""Work items in the administration site: to read, to put into the bin and to take out again."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.workitems.test_models import fill
from workitems.models import PresetNumber, WorkItem

pytestmark = pytest.mark.django_db
ITEMS = reverse("admin:workitems_workitem_changelist")


def test_an_item_is_shown_with_its_history_and_cannot_be_changed(client, item, boss):
    client.force_login(boss)
    page = reverse("admin:workitems_workitem_change", args=[item.pk])
    shown = client.get(page).content.decode()
    assert "Valve leaks" in shown
    assert "Submitted" in shown
    assert client.post(page, {"description": "Rewritten"}).status_code == 403
    assert WorkItem.objects.get().description == "Valve leaks"


def test_items_go_to_the_bin_and_back_and_both_say_how_many(client, item, boss):
    client.force_login(boss)
    for action, said in (("move_to_bin", "1 item moved to the bin"), ("restore", "1 item restored")):
        response = client.post(ITEMS, {"action": action, "_selected_action": [item.pk]}, follow=True)
        assert said in str(next(iter(response.context["messages"])))
    assert WorkItem.objects.present().count() == 1


def test_the_list_takes_as_many_queries_for_60_items_as_for_5(client, boss):
    client.force_login(boss)

    def queries():
        with CaptureQueriesContext(connection) as ran:
            client.get(ITEMS)
        return len(ran)

    fill(5)
    queries()  # renews the session, once an hour
    few = queries()
    fill(55, start=5)
    assert queries() == few


def test_a_preset_number_is_kept_and_recorded(client, boss, events):
    client.force_login(boss)
    client.post(reverse("admin:workitems_presetnumber_add"), {"code": "0101", "title": "Hull", "position": 1})
    assert str(PresetNumber.objects.get()) == "0101 - Hull"
    assert events[-1][1:3] == ("presetnumbers.add", "0101")


def test_a_usual_reason_is_kept_recorded_and_offered(client, item, boss, events):
    client.force_login(boss)
    given = {"status": "needs_revision", "text": "Name the frame", "position": 1, "is_offered": "on"}
    client.post(reverse("admin:workitems_cannedreason_add"), given)
    assert events[-1][1:3] == ("cannedreasons.add", "Name the frame")
    assert "Name the frame" in client.get(f"/workitems/{item.number}/").text


@pytest.mark.parametrize("who", ["mark", "dana"])
def test_the_administration_site_is_closed_to_crew_and_reviewers(client, request, item, who):
    client.force_login(request.getfixturevalue(who))
    assert client.get(ITEMS).status_code == 403
