"""Redis killed while a reviewer works: every page of the desk answers and every act is stored, from the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import BaseHandler, Request, build_opener

import pytest
import redis
from django.test import Client

from project import children
from project.embedded import Valkey
from tests import factories, processes
from workitems.models import Bundle, Comment, Decision, Photo, WorkItem

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]
PAGES = (
    "",
    "?status=submitted&sort=submitter",
    "?search=valve",
    "A-1/",
    "review/",
    "documents/",
    "notices/",
    "export.csv",
)


class Remembering(BaseHandler):
    """Sends `cookies` and learns new ones; a jar would not take those of a bare address."""

    def __init__(self, cookies: dict[str, str]) -> None:
        self.cookies = cookies

    def http_request(self, request: Request) -> Request:
        request.add_unredirected_header("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        return request

    def http_response(self, _: Request, answer: Any) -> Any:
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer


class Desk:
    """A reviewer's browser; an answer of 400 and more raises."""

    def __init__(self, url: str, user: Any) -> None:
        client = Client()
        client.force_login(user)
        self.url, self.cookies = url, {name: cookie.value for name, cookie in client.cookies.items()}
        self.opener = build_opener(Remembering(self.cookies))

    def get(self, path: str) -> str:
        """What a page says."""
        return self._open(Request(f"{self.url}/workitems/{path}"))  # noqa: S310 - loopback

    def post(self, path: str, **fields: object) -> str:
        """Send a form; what the page that it leads to says."""
        sent = urlencode({"csrfmiddlewaretoken": self.cookies["csrf"], **fields}).encode()
        return self._open(Request(f"{self.url}/workitems/{path}", sent))  # noqa: S310 - loopback

    def _open(self, request: Request) -> str:
        with self.opener.open(request, timeout=30) as answer:
            return str(answer.read().decode())


@pytest.fixture
def valkey(tmp_path: Path, socket_enabled: None) -> Iterator[Valkey]:
    one = Valkey(tmp_path / "valkey", durable=False)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def desk(valkey: Valkey) -> Iterator[Desk]:
    server = processes.start_server(REDIS_URL=valkey.url(0), BROKER_URL=valkey.url(1))
    yield Desk(server.url, factories.user("reviewer", first_name="Dana"))
    server.kill()


def test_a_desk_goes_on_from_the_database_when_redis_is_killed(desk: Desk, valkey: Valkey) -> None:
    mark, alex = factories.user("crew", first_name="Mark"), factories.user("reviewer", first_name="Alex")
    one, two, three = (factories.item(mark, number=f"A-{n}", photos=1) for n in (1, 2, 3))
    photo = Photo.objects.get(work_item=one)
    for path in PAGES:
        desk.get(path)
    with redis.Redis.from_url(valkey.url(0)) as cache:
        assert cache.dbsize() > 0  # it is the one that these pages are kept in
    assert valkey.process is not None
    children.kill(valkey.process)
    assert not valkey.running()
    for path in PAGES:
        assert desk.get(path), path

    WorkItem.objects.filter(pk=one.pk).update(
        claimed_by=alex, claimed_by_name="Alex", claimed_until="2999-01-01T00:00Z"
    )
    desk.post("A-1/claim/", instead_of=alex.pk)
    assert WorkItem.objects.get(pk=one.pk).claimed_by_name == "Dana"
    desk.post(f"photos/{photo.pk}/verdict/", verdict="retake", reason="Blurred")
    assert "Blurred" in desk.get("A-1/")
    assert "Which seal?" in desk.post("A-1/comments/", text="Which seal?")
    desk.post("A-1/notes/", version=1, internal_notes="The yard is late")
    desk.post("A-1/assign/", version=2, assigned_to=mark.pk)
    assert "Needs Revision" in desk.post("A-1/status/", version=2, status="needs_revision", reason="Retake it")
    assert "again what it was before" in desk.post(f"review/decisions/{Decision.objects.get().pk}/undo/")
    chosen = {"item": f"{two.pk}-1", "act": "completed_review", "sure": 1}
    assert "1 item completed" in desk.post("review/bulk/", **chosen)
    assert "being written" in desk.post("documents/", numbers="A-3")
    assert "Completed Review" in desk.get("?status=completed_review")
    stored = WorkItem.objects.get(pk=one.pk)
    assert (stored.status, stored.internal_notes) == ("submitted", "The yard is late")
    assert (WorkItem.objects.get(pk=two.pk).status, Bundle.objects.get().numbers) == (
        "completed_review",
        [three.number],
    )
    assert (Comment.objects.count(), Photo.objects.get(pk=photo.pk).verdict) == (1, "retake")
