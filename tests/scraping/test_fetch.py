"""The outgoing edge: what it refuses to reach, and how it ends whatever a server does."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import socket
import struct
import threading
import time
from collections import Counter

import pytest
from aiohttp.abc import AbstractResolver
from django.core.exceptions import ImproperlyConfigured

from scraping.connectors.base import CallFailed, Request, Trouble
from scraping.fetch import MAX_BODY, Fetcher, is_public

HOST = "api.example.org"
HOSTS = {HOST, "other.example.org"}
OK = b"HTTP/1.1 200 OK\r\n"


class RawServer:
    """A server on `address` that answers each path with raw bytes, or with a coroutine of ours; it counts its hits."""

    def __init__(self, address="127.0.0.1"):
        self.address, self.hits, self.paths, self.requests = address, 0, {}, []
        self.seen = Counter()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def _run(self):
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._listen())
        self.loop.call_soon(self._ready.set)  # inside run_forever, so that a stop right away is not lost
        self.loop.run_forever()
        answers = asyncio.all_tasks(self.loop)
        for answer in answers:
            answer.cancel()
        if answers:
            self.loop.run_until_complete(asyncio.wait(answers))
        self.loop.close()

    async def _listen(self):
        self.server = await asyncio.start_server(self._answer, self.address, 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _answer(self, reader, writer):
        self.hits += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            answer = self.paths[head.split(" ")[1]]
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.seen["lost"] += 1
        finally:
            writer.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)


@pytest.fixture
def server():
    running = RawServer()
    yield running
    running.stop()


@pytest.fixture
def forbidden():
    running = RawServer("127.0.0.2")
    yield running
    running.stop()


@pytest.fixture
def get(server, settings):
    """Fetch `https://api.example.org/<path>` from the raw server; `deadline` in seconds."""
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"

    def fetch(path="/x", *, deadline=5.0, hosts=HOSTS, **request):
        async def call():
            async with Fetcher(deadline=deadline) as fetcher:
                return await fetcher.fetch(Request(f"https://{HOST}{path}", **request), hosts=hosts)

        return asyncio.run(call())

    return fetch


def plain(body, *headers):
    return OK + b"".join(h + b"\r\n" for h in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def redirect(location):
    return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location.encode() + b"\r\n\r\n"


def trouble_of(call, *args, **kwargs):
    with pytest.raises(CallFailed) as caught:
        call(*args, **kwargs)
    return caught.value.trouble


def direct(url, *, hosts, resolver=None, settings=None):
    """Fetch `url` without fake platforms, as production does."""
    settings.FAKE_PLATFORMS_URL = ""

    async def call():
        async with Fetcher(deadline=5.0, resolver=resolver) as fetcher:
            return await fetcher.fetch(Request(url), hosts=hosts)

    return asyncio.run(call())


def test_answer_comes_with_status_lowered_headers_and_body(server, get):
    server.paths[f"/{HOST}/x?a=1&a=b+c"] = plain(b"{}", b"X-Rate-Limit-Remaining: 7", b"Set-Cookie: a=b")
    answer = get("/x", params=[("a", "1"), ("a", "b c")], headers={"Authorization": "Bearer t"})
    assert (answer.status, answer.body, answer.headers["x-rate-limit-remaining"]) == (200, b"{}", "7")
    assert answer.seconds > 0
    assert "Authorization: Bearer t" in server.requests[0]
    assert "User-Agent: Tidemark/" in server.requests[0]


def test_percent_encoding_of_the_connector_reaches_the_platform(server, get):
    server.paths[f"/{HOST}/urn%3Ali%3A1"] = plain(b"{}")
    assert get("/urn%3Ali%3A1").status == 200


def test_no_cookie_is_kept(server, settings):
    server.paths[f"/{HOST}/x"] = plain(b"{}", b"Set-Cookie: a=b; Path=/")
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"

    async def twice():
        async with Fetcher() as fetcher:
            for _ in range(2):
                await fetcher.fetch(Request(f"https://{HOST}/x"), hosts=HOSTS)

    asyncio.run(twice())
    assert len(server.requests) == 2
    assert "Cookie" not in server.requests[1]


def test_proxies_of_the_environment_are_ignored(server, forbidden, get, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.2:{forbidden.port}")
    server.paths[f"/{HOST}/x"] = plain(b"{}")
    assert get().status == 200
    assert forbidden.hits == 0


# --- Deadlines ---------------------------------------------------------------------------------


async def drip_headers(writer):
    writer.write(OK)
    for n in range(200):
        writer.write(b"X-%d: y\r\n" % n)
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_body(writer):
    writer.write(OK + b"Content-Length: 100000\r\n\r\n")
    for _ in range(200):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silence(writer):
    await asyncio.sleep(10)


@pytest.mark.req("A93")
@pytest.mark.parametrize("behaviour", [drip_headers, drip_body, silence])
def test_slow_server_is_cut_at_the_deadline(server, get, behaviour):
    server.paths[f"/{HOST}/x"] = behaviour
    started = time.monotonic()
    assert trouble_of(get, deadline=0.4) == Trouble.TIMEOUT
    assert time.monotonic() - started < 1.4


@pytest.mark.req("A93")
def test_redirects_share_one_deadline(server, get):
    async def slow_redirect(writer):
        await asyncio.sleep(0.3)
        writer.write(redirect(f"https://{HOST}/x"))
        await writer.drain()

    server.paths[f"/{HOST}/x"] = slow_redirect
    started = time.monotonic()
    assert trouble_of(get, deadline=0.5) == Trouble.TIMEOUT
    assert time.monotonic() - started < 1.5


@pytest.mark.req("A60")
def test_many_slow_calls_take_as_long_as_one(server, settings):
    async def slow(writer):
        await asyncio.sleep(0.3)
        writer.write(plain(b"{}"))
        await writer.drain()

    server.paths[f"/{HOST}/x"] = slow
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"

    async def together():
        async with Fetcher(concurrency=40) as fetcher:
            calls = [fetcher.fetch(Request(f"https://{HOST}/x"), hosts=HOSTS) for _ in range(40)]
            return await asyncio.gather(*calls)

    started = time.monotonic()
    assert {answer.status for answer in asyncio.run(together())} == {200}
    assert time.monotonic() - started < 4  # one after the other: 12 s


def test_no_more_than_concurrency_calls_are_in_flight(server, settings):
    flying, peak = 0, 0

    async def count(writer):
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        await asyncio.sleep(0.05)
        flying -= 1
        writer.write(plain(b"{}"))
        await writer.drain()

    server.paths[f"/{HOST}/x"] = count
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"

    async def together():
        async with Fetcher(concurrency=5) as fetcher:
            calls = [fetcher.fetch(Request(f"https://{HOST}/x"), hosts=HOSTS) for _ in range(20)]
            return await asyncio.gather(*calls)

    asyncio.run(together())
    assert peak == 5


# --- Bodies ------------------------------------------------------------------------------------


def test_gzip_is_decoded(server, get):
    server.paths[f"/{HOST}/x"] = plain(gzip.compress(b'{"a": 1}'), b"Content-Encoding: gzip")
    assert get().body == b'{"a": 1}'


def test_body_of_exactly_the_cap_passes_and_one_byte_more_does_not(server, get):
    server.paths[f"/{HOST}/x"] = plain(b"x" * MAX_BODY)
    server.paths[f"/{HOST}/y"] = plain(b"x" * (MAX_BODY + 1))
    assert len(get().body) == MAX_BODY
    assert trouble_of(get, "/y") == Trouble.TOO_LARGE


def test_endless_body_is_cut_at_the_cap(server, get):
    async def endless(writer):
        writer.write(OK + b"Connection: close\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    server.paths[f"/{HOST}/x"] = endless
    assert trouble_of(get) == Trouble.TOO_LARGE


def test_gzip_bomb_is_cut_at_the_cap(server, get):
    bomb = gzip.compress(b"\0" * (64 * 1024 * 1024))
    assert len(bomb) < 100_000
    server.paths[f"/{HOST}/x"] = plain(bomb, b"Content-Encoding: gzip")
    assert trouble_of(get) == Trouble.TOO_LARGE


@pytest.mark.parametrize(
    "answer",
    [
        plain(gzip.compress(b"x" * 1000)[:-9], b"Content-Encoding: gzip"),
        plain(b"not gzip at all", b"Content-Encoding: gzip"),
        plain(b"x", b"Content-Encoding: br"),
        plain(b"x", b"Content-Encoding: gzip, gzip"),
        OK + b"Content-Length: 100\r\n\r\nhalf",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"SMTP nonsense\r\n\r\n",
        OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"",
    ],
    ids=["cut gzip", "no gzip", "brotli", "twice", "half-closed", "chunk cut", "not http", "huge header", "empty"],
)
def test_broken_answer_is_a_named_failure(server, get, answer):
    server.paths[f"/{HOST}/x"] = answer
    assert trouble_of(get) == Trouble.CONNECTION


def test_reset_is_a_named_failure(server, get):
    async def reset(writer):
        writer.write(OK + b"Content-Length: 100\r\n\r\nhalf")
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    server.paths[f"/{HOST}/x"] = reset
    assert trouble_of(get) == Trouble.CONNECTION


def test_closed_port_is_a_named_failure(get, settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert trouble_of(get) == Trouble.CONNECTION


# --- Redirects ---------------------------------------------------------------------------------


@pytest.mark.parametrize("location", [f"/{HOST}/y", f"https://{HOST}/y", "y"])
def test_redirect_within_the_platform_is_followed(server, get, location):
    server.paths[f"/{HOST}/x"] = redirect(location)
    server.paths[f"/{HOST}/y"] = plain(b"there")
    assert get().body == b"there"


def test_redirect_to_another_allowed_host_drops_the_credential(server, get):
    server.paths[f"/{HOST}/x"] = redirect("https://other.example.org/y")
    server.paths["/other.example.org/y"] = plain(b"there")
    assert get(headers={"Authorization": "Bearer secret"}).body == b"there"
    assert "secret" in server.requests[0]
    assert "secret" not in server.requests[1]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/",
        "https://127.0.0.2:{port}/",
        "https://127.0.0.2/",
        "//127.0.0.2:{port}/",
        "https://2130706434/",
        "https://0x7f000002/",
        "https://0177.0.0.2/",
        "https://[::ffff:127.0.0.2]/",
        "https://api.example.org@127.0.0.2/",
        "https://user:word@api.example.org/y",
        "https://api.example.org:8443/y",
        "http://api.example.org/y",
        "https://evil.example.org/y",
        "https://api.example.org\\@127.0.0.2/",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_redirect_elsewhere_is_never_followed(server, forbidden, get, location):
    server.paths[f"/{HOST}/x"] = redirect(location.format(port=forbidden.port))
    assert trouble_of(get) == Trouble.FORBIDDEN_ADDRESS
    assert forbidden.hits == 0
    assert server.hits == 1


def test_sixth_redirect_is_refused(server, get):
    server.paths[f"/{HOST}/x"] = redirect(f"https://{HOST}/x")
    assert trouble_of(get) == Trouble.REFUSED
    assert server.hits == 6


def test_redirected_post_is_refused(server, get):
    server.paths[f"/{HOST}/x"] = redirect(f"https://{HOST}/y")
    assert trouble_of(get, method="POST", body=b"{}") == Trouble.REFUSED
    assert server.hits == 1


# --- Addresses ---------------------------------------------------------------------------------


PRIVATE = [
    "127.0.0.1",
    "127.0.0.2",
    "0.0.0.0",  # noqa: S104 - an address to refuse, nothing binds it
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.2",
    "::ffff:127.0.0.2",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:2",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "2002:7f00:2::",
    "2002:a00:1::1",
    "2001:0:7f00:2::f7f7:f7f7",
    "2001:0:808:808::80ff:fffd",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_in_any_dress_is_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_address_stays_public(address):
    assert is_public(ipaddress.ip_address(address))


class Rebinding(AbstractResolver):
    """Resolves a name to a public address once, and to the forbidden server afterwards."""

    def __init__(self, *answers, port):
        self.answers, self.port, self.asked = answers, port, 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        base = {"hostname": host, "port": self.port, "proto": 0, "flags": 0}
        return [
            base | {"host": found, "family": socket.AF_INET6 if ":" in found else socket.AF_INET} for found in answer
        ]

    async def close(self):
        self.answers = ()


@pytest.mark.parametrize("answer", [["127.0.0.2"], ["::ffff:127.0.0.2"], ["8.8.8.8", "127.0.0.2"], ["2002:7f00:2::"]])
def test_name_that_resolves_to_a_private_address_is_refused(forbidden, settings, answer):
    resolver = Rebinding(answer, port=forbidden.port)
    call = {"hosts": {"rebind.example.org"}, "resolver": resolver, "settings": settings}
    assert trouble_of(direct, "https://rebind.example.org/", **call) == Trouble.FORBIDDEN_ADDRESS
    assert (resolver.asked, forbidden.hits) == (1, 0)


@pytest.mark.parametrize("host", ["127.0.0.2", "[::ffff:127.0.0.2]", "[::1]"])
def test_allowed_literal_is_still_checked_at_connect(forbidden, settings, host):
    call = {"hosts": {host.strip("[]")}, "settings": settings}
    assert trouble_of(direct, f"https://{host}/", **call) == Trouble.FORBIDDEN_ADDRESS


@pytest.mark.parametrize("host", ["2130706434", "0x7f.0.0.2", "0177.0.0.2", "127.2", "localhost"])
def test_odd_spelling_of_a_loopback_address_is_refused_even_if_allowed(forbidden, settings, host):
    assert trouble_of(direct, f"https://{host}/", hosts={host}, settings=settings) == Trouble.FORBIDDEN_ADDRESS


@pytest.mark.parametrize(
    "url",
    ["https://api.example.org/\r\nX: y", "https://api.example.org/ü", "https://api.example.org/a b", "", "nonsense"],
)
def test_text_that_is_no_address_is_refused(settings, url):
    assert trouble_of(direct, url, hosts=HOSTS, settings=settings) == Trouble.FORBIDDEN_ADDRESS


def test_with_fakes_no_other_loopback_port_is_reachable(forbidden, settings, server):
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"
    fetcher = Fetcher()
    for address in (("127.0.0.2", forbidden.port), ("127.0.0.1", server.port + 1), ("8.8.8.8", 443)):
        with pytest.raises(OSError, match="fake platforms"):
            fetcher._open((socket.AF_INET, socket.SOCK_STREAM, 0, "", address))
    fetcher._open((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", server.port))).close()


@pytest.mark.parametrize("url", ["http://10.0.0.1:80", "https://127.0.0.1:1", "http://127.0.0.1", "http://localhost:1"])
def test_fakes_may_only_live_on_a_loopback_address(settings, url):
    settings.FAKE_PLATFORMS_URL = url
    with pytest.raises(ImproperlyConfigured):
        Fetcher()
