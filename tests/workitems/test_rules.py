"""The rules of the work are the same whether answers are kept or computed each time."""

from __future__ import annotations

from typing import Any

import pytest

from perf.cache.shared import SHARED
from tests.project.test_without_redis import NOBODY
from tests.workitems.conftest import person
from tests.workitems.test_item_page import browser
from workitems.forms import TYPED
from workitems.models import StatusChange, WorkItem

pytestmark = pytest.mark.django_db(transaction=True)  # what is kept, is kept on commit
TEXT = {"location": "Engine room", "description": "Valve leaks", "detail": "Replace the seal"}
TOLD = [302, 403, 403, 403, 302, 422, 302, 302, 302, 409, 403, 302]
STEPS = ["submitted", "in_review", "needs_revision", "submitted", "in_review", "completed_review", "submitted"]
PLACES = ("", "?status=submitted", "?status=needs_revision", "?status=completed_review")


@pytest.fixture(params=["kept", "computed"])
def answers(request: Any, settings: Any) -> Any:
    """How answers come: from the cache where they can, or never."""
    if request.param == "computed":
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": NOBODY}}
        settings.REDIS_URL = settings.BROKER_URL = NOBODY
    yield request.param
    SHARED.breaker.succeeded()


@pytest.mark.req("B72")
def test_the_rules_of_the_work_hold_with_answers_kept_and_computed(
    answers: str, mark: Any, art: Any, dana: Any
) -> None:
    boss, viewer = person("boss", "admin"), person("val", "viewer")
    people = {user.username: browser(user) for user in (mark, art, dana, boss, viewer)}
    told: list[int] = []

    def do(name: str, act: str, **data: Any) -> None:
        if "version" in data:
            data["version"] = WorkItem.objects.get().version
        told.append(people[name].post(f"/workitems/{act}", data).status_code)

    def listed(name: str) -> list[bool]:
        return [b"A-1" in people[name].get(f"/workitems/{place}").content for place in PLACES]

    do("mark", "new/", preset=TYPED, number="A-1", **TEXT)
    assert listed("art") == [True, True, False, False]
    do("art", "A-1/edit/", version=0, description="Mine now", detail="x")  # somebody else's
    do("val", "A-1/comments/", text="Hello")  # no role here
    do("mark", "A-1/status/", version=0, status="in_review")  # a reviewer's step
    do("dana", "A-1/notes/", version=0, internal_notes="Yard is late")
    do("dana", "A-1/status/", version=0, status="needs_revision", reason="")  # without a reason
    do("dana", "A-1/status/", version=0, status="needs_revision", reason="Which seal?")
    assert listed("art") == [True, False, True, False]
    page = people["mark"].get("/workitems/A-1/").content
    assert (b"Which seal?" in page, b"Yard is late" in page) == (True, False)
    do("mark", "A-1/edit/", version=0, description="Aft valve leaks", detail="The aft seal", again="1")
    do("dana", "A-1/status/", version=0, status="completed_review")
    assert listed("art") == [True, False, False, True]
    do("mark", "A-1/edit/", version=0, description="Late", detail="Late")  # completed is closed to the crew
    do("dana", "A-1/status/", version=0, status="submitted", reason="Again")  # an administrator's step
    do("boss", "A-1/status/", version=0, status="submitted", reason="Wrong item")
    item = WorkItem.objects.get()
    assert (item.description, item.revision_notes, item.status) == ("Aft valve leaks", "", "submitted")
    steps = StatusChange.objects.order_by("pk").values_list("new_status", flat=True)
    assert (told, list(steps)) == (TOLD, STEPS)
    assert [people["art"].get("/workitems/")["X-Cache"] for _ in range(2)][1] == (
        "HIT" if answers == "kept" else "MISS"
    )
