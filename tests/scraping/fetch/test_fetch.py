"""The outgoing edge: how a call ends, whatever a server does."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import time
import zlib

import pytest

from scraping.connectors.base import Request, Trouble
from scraping.fetch import MAX_BODY, Fetcher
from tests.scraping.fetch.conftest import HOST, HOSTS, OK, plain, redirect, trouble_of


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


def started_gzip():
    """A compressed body that has begun and says nothing yet."""
    stream = zlib.compressobj(wbits=31)
    return stream.compress(b"") + stream.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize(
    ("begun", "piece"),
    [
        (gzip.compress(b"{}"), b"x" * 65536),  # zlib keeps what follows the end
        (started_gzip(), b"\x00\x00\x00\xff\xff" * 13_000),  # blocks of nothing
        (b"\x1f\x8b\x08\x08\0\0\0\0\0\xff", b"x" * 65536),  # a file name without an end
    ],
    ids=["after the end", "empty blocks", "name"],
)
def test_compressed_body_that_never_ends_is_cut_at_the_cap(server, get, begun, piece):
    async def endless(writer):
        writer.write(OK + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + begun)
        while True:
            writer.write(piece)
            await writer.drain()

    server.paths[f"/{HOST}/x"] = endless
    assert trouble_of(get, deadline=20.0) == Trouble.TOO_LARGE


def test_zeros_after_the_end_of_a_compressed_body_are_padding(server, get):
    server.paths[f"/{HOST}/x"] = plain(gzip.compress(b"{}") + bytes(512), b"Content-Encoding: gzip")
    assert get().body == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        plain(gzip.compress(b"x" * 1000)[:-9], b"Content-Encoding: gzip"),
        plain(gzip.compress(b"{}") * 2, b"Content-Encoding: gzip"),
        plain(b"not gzip at all", b"Content-Encoding: gzip"),
        plain(b"x", b"Content-Encoding: br"),
        plain(b"x", b"Content-Encoding: gzip, gzip"),
        OK + b"Content-Length: 100\r\n\r\nhalf",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"SMTP nonsense\r\n\r\n",
        OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"",
    ],
    ids=[
        "cut gzip",
        "two gzip",
        "no gzip",
        "brotli",
        "twice",
        "half-closed",
        "chunk cut",
        "not http",
        "huge header",
        "empty",
    ],
)
def test_broken_answer_is_a_named_failure(server, get, answer):
    server.paths[f"/{HOST}/x"] = answer
    assert trouble_of(get) == Trouble.CONNECTION


async def reset(writer):
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def test_reset_is_a_named_failure(server, get):
    async def half(writer):
        writer.write(OK + b"Content-Length: 100\r\n\r\nhalf")
        await writer.drain()
        await reset(writer)

    server.paths[f"/{HOST}/x"] = half
    assert trouble_of(get) == Trouble.CONNECTION


@pytest.mark.req("A63")
@pytest.mark.parametrize("lost", [b"", reset], ids=["closed", "reset"])
def test_a_request_whose_connection_is_lost_is_not_sent_again(server, get, lost):
    server.paths[f"/{HOST}/x"] = lost
    assert trouble_of(get) == Trouble.CONNECTION
    assert len(server.requests) == 1


def test_closed_port_is_a_named_failure(get, settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert trouble_of(get) == Trouble.CONNECTION
