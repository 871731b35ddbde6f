"""Whatever else a request says, whoever asked before: everybody gets the answer that they would get alone."""

from __future__ import annotations

import gzip
import http.client
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import brotli
import pytest
import redis
from django.conf import settings as product
from django.contrib.auth.models import User

from perf.cache.ready import PRESS, READY
from project.models import AccessToken
from snapshots import listing
from tests import factories, processes
from tests.project.reads import VOLATILE
from tests.project.test_leaks import cookie_of
from tests.project.test_warm import Site
from workitems.models import WorkItem

HOSTS = ["127.0.0.1", "one.example", "two.example"]
FEW = ("/api/grid?q=first", "/api/workitems?assigned_to=me%20", "/workitems/?assigned_to=me")
ADDRESSES = (
    *FEW,
    *("/api/summary", "/api/summary?", "/api/summary?&", "/api/summary?unknown=1", "/api/summary?group=platform"),
    *("/api/summary?group=platform&group=organization", "/api/summary?group=organization&group=platform"),
    *("/api/grid?per_page=1", "/api/grid?per_page=1&page=2", "/api/grid?page=2&per_page=1", "/api/grid?PER_PAGE=1"),
    *("/api/grid?per_page=1&per_page=2", "/api/grid?per_page=2&per_page=1", "/api/grid?per_page=01"),
    *("/api/grid?q=%66irst", "/api/grid?q=FIRST", "/api/grid?q=first%00", "/api/grid?q=first+"),
    *("/api/grid?q=first%26platform%3Dx", "/api/grid?q=first&platform=x", "/api/grid?platform=x&q=first"),
    *("/api/grid?platform=x;q=first", "/api/grid?platform=x%3Bq%3Dfirst", "/api/grid?platform=x%20"),
    *("/api/grid?%71=first", "/api/grid?tag=a&tag=b", "/api/grid?tag=b&tag=a", "/api/grid?tag=a,b"),
    *("/api/grid?tag=a%2Cb", "/api/grid?tag=%5B%22a%22%5D"),
    *(
        "/api/history/x/first",
        "/api/history/x/%66irst",
        "/api/history/x/FIRST",
        "/api/history/x/first%2F",
        "/api/history/x/first/",
    ),
    *("/api/history/x/first%3Fmetrics%3Dlikes", "/api/history/x/first?metrics=likes", "/api/history/%78/second"),
    *("/api/history/x/fi:rst", "/api/history/x/fi%3Arst", "/api/history/x:fi/rst", "/api/history?account=x/first"),
    *("/api/history?account=x/first&account=x/second", "/api/history?account=x/second&account=x/first"),
    *("/api/accounts", "//api/accounts", "/api//accounts", "/api/./accounts", "/api/accounts/", "/api/%61ccounts"),
    *("/api/accounts?fields=handle", "/api/accounts?fields=handle,platform", "/api/accounts?fields=platform,handle"),
    *("/api/accounts/x/first", "/api/accounts/x/second", "/api/workitems", "/api/workitems?status=submitted"),
    *("/api/workitems?assigned_to=me", "/api/workitems?assigned_to=%00me", "/"),
    *("/?q=first", "/?days=7", "/trend/", "/trend/?by=all", "/accounts/", "/accounts/?q=first", "/sidebar/?q=first"),
    *("/workitems/", "/workitems/?assigned_to=me%20", "/accounts/x/first/", "/accounts/x/%66irst/"),
)
"""What may be told apart, and what must not be taken for another."""

UNKEYED: tuple[dict[str, str], ...] = (
    {"Host": "one.example"},
    {"Host": "two.example:8080"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"},
    {"X-Forwarded-Port": "1", "Forwarded": "host=evil.example", "X-Host": "evil.example"},
    {"X-Original-URL": "/admin/", "X-Rewrite-URL": "/admin/", "X-HTTP-Method-Override": "DELETE"},
    {"Accept": "text/html", "HX-Request": "true", "HX-Current-URL": "//evil.example", "X-Requested-With": "x"},
    {"Accept": "text/html;q=0.1, application/xml", "Accept-Language": "de", "User-Agent": "<script>alert(1)</script>"},
    {"Accept-Encoding": "br"},
    {"Accept-Encoding": "gzip;q=0.1, br;q=0, *;q=0"},
    {"Accept-Encoding": "deflate, nonsense;q=x"},
    {"Cookie": f'{product.CSRF_COOKIE_NAME}=evil; messages=evil; {listing.COOKIE}=evil; =; "\\000"; session'},
    {"Cache-Control": "no-cache", "Pragma": "no-cache", "Range": "bytes=0-1", "If-Range": "x"},
    {"If-None-Match": '"nothing"', "If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"},
)
"""What a request may say beside its address and who asks."""

KEPT = ("Cache-Control", "Content-Type", "ETag", "Location", "Vary")


class Answer(NamedTuple):
    """What came back, its body uncompressed and without what differs each time; and whether it was kept."""

    status: int
    headers: dict[str, str]
    body: bytes
    state: str

    @classmethod
    def of(cls, status: int, headers: Any, body: bytes) -> Answer:
        """An answer as it was sent, but for its encoding, which makes a tag weak, and the Vary of what nobody keeps."""
        plain = {"br": brotli.decompress, "gzip": gzip.decompress}.get(headers.get("Content-Encoding", ""), bytes)
        names = KEPT[:-1] if "no-store" in headers.get("Cache-Control", "") else KEPT
        told = {name: headers.get(name, "").removeprefix("W/") for name in names}
        return cls(status, told, VOLATILE.sub(b"", plain(body)), headers.get("X-Cache", ""))

    @property
    def said(self) -> tuple[Any, ...]:
        """What must be the same whoever asked before."""
        return self.status, self.headers, self.body


Ask = Callable[[int, str, str, dict[str, str]], Answer]
"""Asks one of two servers: which, the method, the address and the headers."""


@pytest.fixture
def people(transactional_db: None) -> dict[str, dict[str, str]]:
    """What each shows who asks about a small world: by session, so that pages answer too, by token, and nothing."""
    for handle in ("first", "second", "fi:rst"):
        factories.snapshot(factories.account("x", handle, display_name=f"Called {handle}"))
    viewer: Any = factories.user("viewer")
    headers = {"token": {"Authorization": f"Bearer {AccessToken.objects.make(viewer, 'sheet', 'read')[1]}"}}
    for name in ("viewer", "editor", "crew", "other crew", "reviewer"):
        person = factories.user(name.rpartition(" ")[2], username=name)
        headers[name] = {"Cookie": cookie_of(person)["HTTP_COOKIE"]}
    WorkItem.objects.filter(pk=factories.item().pk).update(
        assigned_to=User.objects.get(username="crew"), internal_notes="Aside"
    )
    return {**headers, "nobody": {}}


def with_junk(said: dict[str, str], shown: dict[str, str]) -> dict[str, str]:
    """Both; of cookies, the junk first."""
    cookies = [headers["Cookie"] for headers in (said, shown) if "Cookie" in headers]
    return said | shown | ({"Cookie": "; ".join(cookies)} if cookies else {})


def differing(ask: Ask, addresses: Sequence[str], people: dict[str, dict[str, str]], rounds: int) -> Iterator[str]:
    """Where somebody got something else than alone: each asks with junk first, then without, of both servers."""
    states, bodies, turn = set[str](), set[bytes](), 0
    for path in addresses:
        alone = {}
        for who, shown in people.items():
            forget_all()
            alone[who] = ask(0, "GET", path, shown)
        bodies |= {answer.body for answer in alone.values() if answer.status == 200}
        assert {answer.status for answer in alone.values()} <= {200, 301, 302, 400, 401, 403, 404}, path
        forget_all()
        for _ in range(rounds):
            for who, shown in people.items():
                said, here, turn = with_junk(UNKEYED[turn % len(UNKEYED)], shown), turn // 2 % 2, turn + 1
                head = ask(here, "HEAD", path, said)
                if (head.body, head.status == 405 or head.said[:2] == alone[who].said[:2]) != (b"", True):
                    yield f"HEAD {path} as {who} with {said}: {head}, not {alone[who]}"
                for which, headers in ((here, said), (0, shown), (1, shown)):
                    got = ask(which, "GET", path, headers)
                    states.add(got.state)
                    if got.said != alone[who].said:
                        yield f"{path} as {who} with {headers}: {got}, not {alone[who]}"
    assert states >= {"", "HIT", "MISS"}
    assert len(bodies) > len(addresses) / 2  # or all are answered alike, and nothing was tried


def forget_all() -> None:
    """Empty the cache's server: what follows is computed."""
    redis.Redis.from_url(os.environ["REDIS_URL"]).flushdb()


def test_nothing_unkeyed_changes_what_is_kept(people: dict[str, dict[str, str]], settings: Any) -> None:
    settings.RATE_LIMITS, settings.ALLOWED_HOSTS = {}, HOSTS
    READY.clear()
    sites, from_memory = [Site(), Site()], 0

    def ask(which: int, method: str, path: str, headers: dict[str, str]) -> Answer:
        nonlocal from_memory
        environ = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in headers.items()}
        got = sites[which].ask(method, path, **{"HTTP_HOST": HOSTS[0]} | environ)
        PRESS.wait()
        from_memory += not got.by_django
        return Answer.of(got.status, got.headers, b"" if method == "HEAD" else got.body)

    asked = {who: people[who] for who in ("token", "crew", "other crew", "nobody")}
    assert [*differing(ask, FEW, asked, rounds=4)] == []
    assert from_memory > len(FEW)


@pytest.mark.drill  # thousands of requests
@pytest.mark.timeout(400)
def test_two_servers_with_one_cache_give_nobody_anothers_answer(people: dict[str, dict[str, str]]) -> None:
    servers = [processes.start_server(ALLOWED_HOSTS=",".join(HOSTS), RATE_LIMIT_READS="0") for _ in "12"]
    connections = [http.client.HTTPConnection(str(urlsplit(one.url).netloc), timeout=20) for one in servers]

    def ask(which: int, method: str, path: str, headers: dict[str, str]) -> Answer:
        connection = connections[which]  # kept open: the body of a HEAD would spoil the next answer
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, text in headers.items():
            connection.putheader(name, text)
        connection.endheaders()
        got = connection.getresponse()
        return Answer.of(got.status, got.headers, got.read())

    try:
        assert [*differing(ask, ADDRESSES, people, rounds=2)] == []
    finally:
        for connection in connections:
            connection.close()
        for server in servers:
            server.stop()
