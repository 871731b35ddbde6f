"""All fake platforms behind one loopback port: `/<host>/<path>` is what `https://<host>/<path>` would answer."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any, Protocol

from aiohttp import web

from perf import clock
from scraping.fakes import (
    bluesky,
    flickr,
    github,
    graph,
    instagram_page,
    linkedin,
    mastodon,
    pages,
    reddit,
    threads,
    tiktok,
    tiktok_page,
    truth_social,
    x,
    youtube,
)
from scraping.fakes.world import HUGE, WHOLE_FAULTS, Call, Fault, Limit, Reply, World


class Platform(Protocol):
    """What a fake platform is: a module or an object that answers calls to its hosts."""

    HOSTS: tuple[str, ...]

    def answer(self, call: Call, world: World) -> Reply:
        """The answer to one call, counted."""

    def limited(self) -> Reply:
        """The answer to one call too many."""

    def dead(self) -> Reply:
        """The answer to a credential it does not know."""


PLATFORMS: tuple[Any, ...] = (
    x,
    youtube,
    graph,
    linkedin,
    truth_social,
    flickr,
    bluesky,
    mastodon,
    github,
    reddit,
    threads,
    tiktok,
    instagram_page,
    tiktok_page,
    *pages.SITES,
)
BY_HOST: dict[str, Platform] = {host: platform for platform in PLATFORMS for host in platform.HOSTS}
CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
FORBIDDEN = "http://127.0.0.2/"
GIANT = 8 * 1024 * 1024
COUNTS = re.compile(
    r"(followers_count|fan_count|subscriberCount|firstDegreeSize|followerCount|followersCount|follower_count"
    r"|edge_followed_by|userInteractionCount)|(?<=\")(followers|subscribers)(?=\\?\":)| (followers|subscribers)\b"
)
WORLD = web.AppKey("world", World)


def application() -> web.Application:
    """The server; its World is at `app[WORLD]`."""
    app = web.Application(client_max_size=4 * 1024 * 1024)
    app[WORLD] = World()
    app.router.add_get("/_fake/served", _served)
    app.router.add_post("/_fake/faults", _set_faults)
    app.router.add_route("*", "/{host}/{path:.*}", _counted)
    return app


def start(port: int = 0, address: str = "127.0.0.1") -> tuple[str, Callable[[], None]]:
    """Serve in a thread. Answers the address and a function that stops it. Raises OSError when the port is taken."""
    ready: threading.Event = threading.Event()
    state: dict[str, Any] = {}

    def run() -> None:
        loop = state["loop"] = asyncio.new_event_loop()
        runner = web.AppRunner(application(), access_log=None, shutdown_timeout=1)
        try:
            state["url"] = loop.run_until_complete(_listen(runner, address, port))
            loop.call_soon(ready.set)  # inside run_forever, so that a stop right away is not lost
            loop.run_forever()
        except OSError as error:
            state["error"] = error
            ready.set()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="fake-platforms", daemon=True)
    thread.start()
    ready.wait()
    if "error" in state:
        raise state["error"]

    def stop() -> None:
        state["loop"].call_soon_threadsafe(state["loop"].stop)
        thread.join(10)

    return state["url"], stop


async def _listen(runner: web.AppRunner, address: str, port: int) -> str:
    await runner.setup()
    site = web.TCPSite(runner, address, port)
    await site.start()
    return f"http://{address}:{runner.addresses[0][1]}"


async def _served(request: web.Request) -> web.Response:
    """What was served per platform, host and credential; `?times=1` adds every call's instant and cost."""
    return web.json_response(request.app[WORLD].served(times=request.query.get("times") == "1"))


async def _set_faults(request: web.Request) -> web.Response:
    """Faults, latency, other limits, budgets and a fresh start; every member is optional, all add up until a reset.

    `{"reset": true, "latency": [low, high], "faults": [{"kind", "platform", "handle", "times", "value", "chance",
    "seed"}], "limits": {platform or host: {"calls", "seconds", "kind", "zone"}}, "budgets": {"x": dollars}}`: seconds;
    platform "*" is all of them, no handle is any, no times is always; a limit replaces the platform's own for meters
    that begin after it.
    """
    world = request.app[WORLD]
    try:
        wanted = json.loads(await request.read())
        faults = [Fault(**fault) for fault in wanted.get("faults", [])]
        limits = {platform: Limit(**limit) for platform, limit in wanted.get("limits", {}).items()}
        low, high = map(float, wanted.get("latency", world.latency))
        budgets = {platform: float(dollars) for platform, dollars in wanted.get("budgets", {}).items()}
    except (ValueError, TypeError, AttributeError) as error:
        return web.json_response({"error": str(error)}, status=400)
    with world.lock:
        if wanted.get("reset"):
            world.reset()
        world.latency = (low, high) if "latency" in wanted else world.latency
        world.limits |= limits
        world.budgets |= budgets
        world.faults += faults
    return web.json_response({"faults": len(world.faults)})


async def _counted(request: web.Request) -> web.StreamResponse:
    with request.app[WORLD].in_flight():
        return await _platform(request)


async def _platform(request: web.Request) -> web.StreamResponse:
    """One call to one platform, after the latency asked for."""
    world = request.app[WORLD]
    host = request.match_info["host"]
    path = request.raw_path.partition("?")[0].removeprefix(f"/{host}")
    platform = BY_HOST.get(host) or (mastodon if mastodon.serves(path) else None)
    if platform is None:
        return web.json_response({"error": f"no fake platform at {host}"}, status=502)
    call = Call(
        host=host,
        method=request.method,
        path=path,
        query=request.rel_url.raw_query_string,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )
    reply = platform.answer(call, world)  # counted on arrival, as platforms do, whoever still waits for it
    fault = world.fault(_name(platform, call), reply.asked, WHOLE_FAULTS) if world.faults else None
    low, high = world.latency
    if high:
        await asyncio.sleep(world.rng.uniform(low, high))
    if fault is None:
        return _response(reply)
    return await _failing(fault, platform, reply, request)


def _name(platform: Any, call: Call) -> str:
    """The stored name of the platform a call is for; one Graph API serves two."""
    name: str = graph.platform_of(call) if platform is graph else platform.NAME
    return name


def _response(reply: Reply) -> web.Response:
    headers = {"Content-Type": "application/json; charset=utf-8"} | reply.headers
    return web.Response(body=_encoded(reply), status=reply.status, headers=headers)


def _encoded(reply: Reply) -> bytes:
    text = reply.data if isinstance(reply.data, str) else json.dumps(reply.data)
    return text.replace(str(HUGE), "1e999").encode()


async def _failing(fault: Fault, platform: Any, reply: Reply, request: web.Request) -> web.StreamResponse:
    """The reply as `fault` spoils it."""
    if fault.kind in RAW:
        await RAW[fault.kind](request, _encoded(reply), float(fault.value or 60))
        return web.Response(status=500)  # nobody is there to read it any more
    spoilt = _replaced(fault, platform, reply)
    return _response(spoilt) if isinstance(spoilt, Reply) else spoilt


def _replaced(fault: Fault, platform: Any, reply: Reply) -> Reply | web.Response:
    if fault.kind in BROKEN_BODIES:
        return BROKEN_BODIES[fault.kind](_encoded(reply))
    refusal: Reply
    match fault.kind:
        case "rate_limit":
            refusal = platform.limited()
            refusal.headers |= retry_after(fault.value)
        case "dead_token":
            refusal = platform.dead()
        case "budget_spent":
            refusal = platform.budget_spent(fault.value)
        case "status":
            refusal = Reply({"error": "fault"}, int(fault.value or 500))
        case "redirect":
            refusal = Reply("", 302, {"Location": str(fault.value or FORBIDDEN)})
        case _:
            refusal = Reply(drifted(_encoded(reply).decode()), reply.status, reply.headers)
    return refusal


def _json(body: bytes, **headers: str) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers=headers)


@cache
def _bomb() -> bytes:
    """A gzip stream of 64 MiB that is made in no time: the same compressed block again and again, without an end."""
    stream = zlib.compressobj(wbits=31)
    begin, block = (stream.compress(b" " * (GIANT // 8)) + stream.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return begin + block * 63


BROKEN_BODIES: dict[str, Callable[[bytes], web.Response]] = {
    "challenge": lambda _: web.Response(text=CHALLENGE, content_type="text/html"),
    "invalid_json": lambda _: _json(b'{"data": [{"followers_count": 12,,'),
    "truncated": lambda body: _json(body[: len(body) // 2]),
    "giant": lambda body: _json(b" " * GIANT + body),
    "gzip_bomb": lambda _: _json(_bomb(), **{"Content-Encoding": "gzip"}),
}


def retry_after(form: object) -> dict[str, str]:
    """A Retry-After header: seconds (a number), or `date`, `past`, `zero`, `garbage`, or `none` for no header."""
    moments = {"date": timedelta(seconds=30), "past": -timedelta(hours=1)}
    if form in moments:
        return {"Retry-After": format_datetime(clock.now() + moments[str(form)], usegmt=True)}
    words = {"zero": "0", "garbage": "soon, perhaps"}
    if form == "none":
        return {}
    return {"Retry-After": words.get(str(form), str(form or 30))}


def drifted(body: str) -> str:
    """The answer after a change of schema: every member that held a count has another name."""
    return COUNTS.sub(r"\g<0>_v2", body)


# --- Faults below HTTP: written to the socket by hand ----------------------------------------------


def _transport(request: web.Request) -> asyncio.Transport:
    if request.transport is None:
        raise ConnectionResetError
    return request.transport


async def _slowly(request: web.Request, head: bytes, parts: AsyncIterator[bytes]) -> None:
    transport = _transport(request)
    transport.write(head)
    async for part in parts:
        if transport.is_closing():
            return
        transport.write(part)
    transport.close()


async def _drip(part: bytes, seconds: float) -> AsyncIterator[bytes]:
    """`part` every 50 ms for `seconds`."""
    for _ in range(int(seconds / 0.05)):
        yield part
        await asyncio.sleep(0.05)


async def _slow_headers(request: web.Request, body: bytes, seconds: float) -> None:
    await _slowly(request, b"HTTP/1.1 200 OK\r\n", _drip(b"X-Slow: y\r\n", seconds))


async def _slow_body(request: web.Request, body: bytes, seconds: float) -> None:
    await _slowly(request, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", _drip(b" ", seconds))


async def _half_close(request: web.Request, body: bytes, _: float) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body) + 100}\r\n\r\n".encode()
    transport = _transport(request)
    transport.write(head + body)
    transport.write_eof()
    await asyncio.sleep(0.05)
    transport.close()


async def _reset(request: web.Request, body: bytes, _: float) -> None:
    transport = _transport(request)
    linger = struct.pack("ii", 1, 0)  # close with RST instead of FIN
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


RAW = {"slow_headers": _slow_headers, "slow_body": _slow_body, "half_close": _half_close, "reset": _reset}
