"""The warm path in front of Django: the same answers and headers, and never a moment longer than they are true."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, time, timedelta
from io import BytesIO
from itertools import product
from typing import Any, NamedTuple

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Group, User
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_redis import get_redis_connection

from accounts.models import Account
from perf import clock, reading, recording, storing
from perf.cache.ready import PRESS, READY
from perf.cache.shared import SHARED
from perf.warm import ADDRESS_MAX, WarmPath
from project.access import credential, warmed
from project.identities import AUTH, digest, session_digest
from project.models import AccessToken
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

django_application = WSGIHandler()  # project.wsgi would leave DJANGO_SETTINGS_MODULE to child processes


class Answer(NamedTuple):
    """What came back, and whether Django was asked."""

    status: int
    headers: dict[str, str]
    body: bytes
    by_django: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """The product's WSGI application as a server calls it, with a count of what reaches Django."""

    def __init__(self) -> None:
        self.asked = 0

        def django(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
            self.asked += 1
            return django_application(environ, start_response)

        self.application = WarmPath(django, credential=credential, asker=AUTH.of, prefix="/api/")

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> Answer:
        path, _, query = path.partition("?")
        said: list[Any] = []
        before = self.asked
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "HTTP_HOST": "testserver",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            **headers,
        }
        parts = self.application(environ, lambda status, headers, *_: said.extend((status, headers)))
        body = b"".join(parts)
        getattr(parts, "close", lambda: None)()
        return Answer(int(said[0][:3]), dict(said[1]), body, self.asked > before)


@pytest.fixture
def site() -> Site:
    READY.clear()
    factories.snapshot(factories.account("x", "first"), followers=10)
    return Site()


@pytest.fixture
def viewer() -> User:
    return factories.user("viewer")


@pytest.fixture
def cookie(viewer: User) -> dict[str, str]:
    client = Client()
    client.force_login(viewer)
    client.get("/api/accounts/x/nobody")  # renews the session, as once an hour
    return {"HTTP_COOKIE": f"{configured.SESSION_COOKIE_NAME}={client.cookies[configured.SESSION_COOKIE_NAME].value}"}


@pytest.fixture
def token(viewer: User) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {AccessToken.objects.make(viewer, 'sheet', 'read')[1]}"}


def warm(site: Site, path: str, headers: dict[str, str]) -> Answer:
    """Ask until Django need not be asked any more; the answer that came from memory."""
    for _ in range(3):  # computed, then found and pressed, then learned pressed
        site.get(path, **headers)
        PRESS.wait()
    answer = site.get(path, **headers)
    assert not answer.by_django
    return answer


PATHS = ["/api/summary", "/api/grid?per_page=5", "/api/history/x/first", "/api/accounts", "/api/accounts/x/first"]
EACH_TIME = {"X-Response-Time", "Server-Timing", "RateLimit-Remaining", "RateLimit-Reset"}


def lasting(answer: Answer) -> dict[str, str]:
    """The headers that do not differ from one request to the next."""
    return {name: value for name, value in answer.headers.items() if name not in EACH_TIME}


def test_the_warm_answer_is_djangos_with_the_same_headers(
    site: Site, cookie: dict[str, str], token: dict[str, str]
) -> None:
    for path, who, accepted in product(PATHS, (cookie, token), ("br", "gzip", "")):
        headers = who | {"HTTP_ACCEPT_ENCODING": accepted}
        answer = warm(site, path, headers)
        READY.clear()  # the same question again, which Django answers now from Redis
        other = site.get(path, **headers)
        assert other.by_django
        assert (answer.status, answer.body, lasting(answer)) == (200, other.body, lasting(other))
        assert answer.headers.keys() == other.headers.keys()


def test_what_the_client_has_already_is_not_sent_again(site: Site, token: dict[str, str]) -> None:
    etag = warm(site, "/api/summary", token).headers["ETag"]
    again = site.get("/api/summary", **token, HTTP_IF_NONE_MATCH=etag)
    assert (again.status, again.body, again.by_django) == (304, b"", False)
    READY.clear()
    other = site.get("/api/summary", **token, HTTP_IF_NONE_MATCH=etag)
    assert (other.status, other.by_django) == (304, True)
    assert again.headers.keys() == other.headers.keys() - {"Content-Length"}


def test_warm_answers_are_recorded_under_their_route_as_djangos_are(site: Site, token: dict[str, str]) -> None:
    etag = warm(site, "/api/summary", token).headers["ETag"]
    recording.forget()
    for more in ({}, {}, {"HTTP_IF_NONE_MATCH": etag}):
        assert not site.get("/api/summary", **token, **more).by_django
    READY.clear()
    assert site.get("/api/summary", **token).by_django
    storing.keep()
    (route,) = {labels.get("route") for labels in reading.totals("request", reading.window("1h"))}
    found = reading.totals("request.bytes", reading.window("1h"), route=route)
    assert {labels.get("status"): one.count for labels, one in found.items()} == {"200": 3, "304": 1}
    (cache,) = reading.totals("request.cache", reading.window("1h"), route=route, status="304").values()
    assert 0 < cache.total < 1


def test_a_tag_that_is_not_the_answers_own_gets_the_answer(site: Site, token: dict[str, str]) -> None:
    tag = warm(site, "/api/summary", token).headers["ETag"].strip('W/"')
    for given, status in ((f'"x{tag}"', 200), (tag, 200), (f'"a", W/"{tag}"', 304), ("*", 304)):
        warm(site, "/api/summary", token)
        by_memory = site.get("/api/summary", **token, HTTP_IF_NONE_MATCH=given)
        READY.clear()
        by_django = site.get("/api/summary", **token, HTTP_IF_NONE_MATCH=given)
        assert (by_memory.status, by_django.status) == (status, status), given


@pytest.mark.req("A9", "A102")
def test_a_commit_is_seen_by_the_very_next_read(site: Site, token: dict[str, str]) -> None:
    assert warm(site, "/api/summary", token).json[0]["followers"] == 10
    factories.snapshot(factories.account("x", "second"), followers=20)
    answer = site.get("/api/summary", **token)
    assert [row["followers"] for row in answer.json] == [20, 10]


def act_sign_out(viewer: User, cookie: dict[str, str]) -> None:
    client = Client()
    client.cookies.load(cookie["HTTP_COOKIE"])
    assert client.post("/logout/").status_code == 302


def act_change_password(viewer: User, cookie: dict[str, str]) -> None:
    viewer.set_password("another long phrase 43")
    viewer.save()


def act_deactivate(viewer: User, _: object) -> None:
    viewer.is_active = False
    viewer.save()


def act_delete(viewer: User, _: object) -> None:
    viewer.delete()


def act_revoke(viewer: User, _: object) -> None:
    viewer.access_tokens.get().revoke()


def act_leave_role(viewer: User, _: object) -> None:
    viewer.groups.clear()


def act_narrow_role(viewer: User, _: object) -> None:
    Group.objects.get(name="viewer").permissions.clear()


@pytest.mark.parametrize(
    ("who", "act", "status"),
    [
        ("cookie", act_sign_out, 401),
        ("cookie", act_change_password, 401),
        ("cookie", act_deactivate, 401),
        ("cookie", act_leave_role, 403),
        ("token", act_narrow_role, 403),
        ("token", act_revoke, 401),
        ("token", act_delete, 401),
    ],
)
def test_who_may_no_longer_is_refused_on_the_very_next_request(
    who: str, act: Any, status: int, site: Site, request: pytest.FixtureRequest
) -> None:
    headers, viewer = request.getfixturevalue(who), request.getfixturevalue("viewer")
    warm(site, "/api/summary", headers)
    act(viewer, headers)
    assert site.get("/api/summary", **headers).status == status


def test_a_narrower_person_never_gets_anothers_answer(site: Site, token: dict[str, str]) -> None:
    warm(site, "/api/summary", token)
    crew = {"HTTP_AUTHORIZATION": f"Bearer {AccessToken.objects.make(factories.user('crew'), 'phone', 'crew')[1]}"}
    assert [site.get("/api/summary", **crew).status for _ in range(3)] == [403, 403, 403]
    assert [site.get("/api/summary").status for _ in range(2)] == [401, 401]


@pytest.mark.parametrize("who", ["cookie", "token"])
def test_a_caller_who_is_known_is_not_looked_up_for_an_answer_that_is_not(
    who: str, site: Site, request: pytest.FixtureRequest
) -> None:
    headers = request.getfixturevalue(who)
    warm(site, "/api/summary", headers)
    with CaptureQueriesContext(connection) as queries:
        answer = site.get("/api/grid?page=1&sort=-date", **headers)
    assert (answer.status, answer.headers["X-Cache"]) == (200, "MISS")
    asked = " ".join(query["sql"] for query in queries)
    assert "snapshots_snapshot" in asked
    assert not [name for name in ("auth_", "django_session", "project_accesstoken") if name in asked]


def test_nothing_in_a_request_can_pass_for_what_the_server_knows(site: Site) -> None:
    forged = {"HTTP_PERF_WARM_PERSON": "1", "HTTP_PERF.WARM.PERSON": "1", "HTTP_X_PERF_WARM_ENDS": "9e9"}
    assert site.get("/api/summary", **forged).status == 401


def test_what_is_fresh_is_asked_anew_after_midnight(site: Site, token: dict[str, str]) -> None:
    assert len(warm(site, "/api/grid?freshness=fresh", token).json["data"]) == 1
    with clock.shifted(timedelta(days=2)):
        assert site.get("/api/grid?freshness=fresh", **token).json["data"] == []


def test_an_old_address_never_shows_who_has_left_it(site: Site, token: dict[str, str]) -> None:
    old, new = "/api/accounts/x/first", "/api/accounts/x/second"
    warm(site, old, token)
    account = Account.objects.get()
    account.rename("second")
    warm(site, new, token)
    assert site.get(old, **token).headers["Location"] == new
    stranger = factories.account("x", "first")
    assert site.get(old, **token).json["account_key"] == stranger.pk != account.pk


def test_an_answer_about_the_last_days_ends_with_the_day(site: Site, token: dict[str, str]) -> None:
    path = "/api/history/x/first?days=1"
    late = datetime.combine(clock.today(), time(23, 59, 30), clock.now().tzinfo)
    with clock.shifted(late - clock.now()):
        assert warm(site, path, token).json["followers"] == [10]
        with clock.shifted(timedelta(minutes=1)):
            assert site.get(path, **token).json["followers"] == []


def test_a_session_key_is_no_token_and_a_token_no_session(
    site: Site, cookie: dict[str, str], token: dict[str, str]
) -> None:
    name, key = cookie["HTTP_COOKIE"].split("=")
    for who in (cookie, token):
        warm(site, "/api/summary", who)
    secret = token["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    assert site.get("/api/summary", HTTP_AUTHORIZATION=f"Bearer {key}").status == 401
    assert site.get("/api/summary", HTTP_COOKIE=f"{name}={secret}").status == 401


def test_strangers_leave_nothing_in_the_cache(site: Site) -> None:
    shown = {"HTTP_AUTHORIZATION": "Bearer tm_wrong"}, {"HTTP_COOKIE": f"{configured.SESSION_COOKIE_NAME}=wrong"}
    assert [site.get("/api/summary", **one).status for one in shown] == [401, 401]
    names = SHARED.names_of(AUTH.of(digest("tm_wrong"))) + SHARED.names_of(AUTH.of(session_digest("wrong")))
    assert get_redis_connection("default").exists(*(name for name in names if "/" in name)) == 0


def test_caller_whose_generations_were_evicted_is_known_soon(site: Site, token: dict[str, str]) -> None:
    assert get_redis_connection("default").delete(*SHARED.names_of(AUTH.of(credential(token))))
    assert warm(site, "/api/summary", token).status == 200


def test_overlong_addresses_are_not_remembered(site: Site, token: dict[str, str]) -> None:
    for name in ("QUERY_STRING", "HTTP_X_FORWARDED_PROTO"):
        answers = [site.get("/api/summary", **token, **{name: "x" * ADDRESS_MAX}) for _ in range(4)]
        assert [(answer.status, answer.by_django) for answer in answers] == [(200, True)] * 4


def test_people_with_the_same_rights_share_one_answer(site: Site, token: dict[str, str]) -> None:
    warm(site, "/api/summary", token)
    other = {"HTTP_AUTHORIZATION": f"Bearer {AccessToken.objects.make(factories.user('viewer'), 'b', 'read')[1]}"}
    assert site.get("/api/summary", **other).by_django  # who it is only Django can tell
    assert not site.get("/api/summary", **other).by_django


def test_warm_reads_count_like_all_others(site: Site, token: dict[str, str], settings: Any) -> None:
    settings.RATE_LIMITS = {"reads": (6, 60)}
    warm(site, "/api/summary", token)
    answers = [site.get("/api/summary", **token) for _ in range(3)]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert [(answer.status, answer.by_django) for answer in answers] == [(200, False), (200, False), (429, True)]


def test_a_cookie_beside_a_token_does_not_decide(site: Site, cookie: dict[str, str], token: dict[str, str]) -> None:
    warm(site, "/api/summary", cookie)
    assert site.get("/api/summary", **cookie, HTTP_AUTHORIZATION="Bearer tm_wrong").status == 401
    assert site.get("/api/summary", **cookie, HTTP_AUTHORIZATION="Basic eDp5").by_django


def test_an_unknown_host_is_refused_as_by_django(site: Site, token: dict[str, str]) -> None:
    warm(site, "/api/summary", token)
    assert site.get("/api/summary", **{**token, "HTTP_HOST": "evil.example"}).status == 400


def test_pages_and_writes_go_past_it(site: Site, cookie: dict[str, str]) -> None:
    warm(site, "/api/summary", cookie)
    assert site.get("/accounts/", **cookie).by_django
    assert site.get("/api/scrapes", **cookie).by_django
    assert site.get("/api/summary", **cookie, REQUEST_METHOD="HEAD").by_django


def test_without_a_shared_cache_there_is_no_warm_path(settings: Any) -> None:
    assert isinstance(warmed(django_application), WarmPath)
    settings.DEBUG = True
    assert warmed(django_application) is django_application
