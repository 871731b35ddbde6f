"""The Redis or Valkey servers behind cache and queue: memory, evictions, policy, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from perf.sizes.advice import Advice, attention, wrong
from perf.templatetags.performance import size_words

SCHEMES = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")
TIMEOUT = 0.25  # seconds; a page about a hung server must not hang
FULL, NEARLY_FULL = 0.95, 0.8  # of maxmemory
MUCH_OF_HOST = 0.5  # of the machine's memory without a limit: saving to disk may need as much again
CACHE, QUEUE = "cache", "queue"


@dataclass(frozen=True, slots=True)
class Server:
    """One server by its address, and what the product uses it for: cache, queue or both."""

    url: str = field(repr=False)  # it may hold a password
    uses: tuple[str, ...]
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What it is called in series and on pages: "cache", "queue", "cache and queue"."""
        return " and ".join(self.uses)

    @property
    def shown(self) -> str:
        """Its address without user and password: host and port, or the socket's path."""
        return _place(self.url)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a server says of itself. `limit` is its maxmemory, None without one; `evicted` since it started.

    Sizes in bytes. `host` is the memory of the machine it runs on, as far as it knows.
    """

    server: Server
    version: str
    used: int
    peak: int
    limit: int | None
    host: int | None
    policy: str
    evicted: int
    rejected: int
    clients: int
    uptime: int

    @property
    def fullness(self) -> float | None:
        """The used share of its limit; None without one."""
        return self.used / self.limit if self.limit else None

    def advice(self) -> list[Advice]:
        """What to do about it, worst first."""
        return sorted([*_policy(self), *_fullness(self)], key=lambda one: one.level, reverse=True)


@dataclass(frozen=True, slots=True)
class Silent:
    """A server that could not be asked, and why."""

    server: Server
    why: str

    def advice(self) -> list[Advice]:
        """That it is away is the advice."""
        lost = "Tasks and limits wait for it" if QUEUE in self.server.uses else "Pages are computed anew meanwhile"
        return [wrong(f"The {self.server.name} server at {self.server.shown} does not answer: {self.why}. {lost}.")]


def servers() -> list[Server]:
    """The servers that CACHES and CELERY_BROKER_URL name, each once; none where neither is a Redis."""
    return together(_named())


def together(named: Iterable[tuple[str, str, str | None]]) -> list[Server]:
    """Each server once, from (use, address, password): numbered databases of one server share its memory."""
    found: dict[str, Server] = {}
    for use, url, password in named:
        before = found.get(_place(url))
        uses = tuple(dict.fromkeys([*(before.uses if before else ()), use]))
        found[_place(url)] = Server(url, uses, password or (before.password if before else None))
    return list(found.values())


def _named() -> Iterator[tuple[str, str, str | None]]:
    """Use, address and password of every Redis that the settings name."""
    for options in settings.CACHES.values():
        location = options.get("LOCATION") or ""
        for url in location.split(",") if isinstance(location, str) else location:
            if url.strip().startswith(SCHEMES):
                yield CACHE, url.strip(), (options.get("OPTIONS") or {}).get("PASSWORD")
    broker = getattr(settings, "CELERY_BROKER_URL", None) or ""
    if broker.startswith(SCHEMES):
        yield QUEUE, broker, None


def _place(url: str) -> str:
    """Where a server is, whatever its numbered database."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path


def measure() -> list[Memory | Silent]:
    """Ask every server, each for at most half a second."""
    return [ask(server) for server in servers()]


def ask(server: Server) -> Memory | Silent:
    """What `server` says of itself, or why it does not."""
    from redis import Redis  # noqa: PLC0415  # whoever names a Redis has it installed; perf does not ask for it
    from redis.exceptions import RedisError  # noqa: PLC0415

    url = server.url.replace("valkey", "redis", 1) if server.url.startswith("valkey") else server.url
    options: dict[str, Any] = {"password": server.password} if server.password else {}
    try:
        with Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, **options) as client:
            return _read(server, client.info())
    except (RedisError, OSError, ValueError) as failure:
        return Silent(server, str(failure).strip().rstrip(".") or type(failure).__name__)


def _read(server: Server, info: dict[str, Any]) -> Memory:
    return Memory(
        server=server,
        version=f"{info.get('server_name', 'redis').title()} {info.get('valkey_version', info['redis_version'])}",
        used=info["used_memory"],
        peak=info["used_memory_peak"],
        limit=info.get("maxmemory") or None,
        host=info.get("total_system_memory") or None,
        policy=info.get("maxmemory_policy", ""),
        evicted=info["evicted_keys"],
        rejected=info["rejected_connections"],
        clients=info["connected_clients"],
        uptime=info["uptime_in_seconds"],
    )


def _policy(memory: Memory) -> Iterator[Advice]:
    """Whether it evicts exactly where it may."""
    evicts = memory.policy not in ("", "noeviction")
    if QUEUE in memory.server.uses and evicts:
        yield wrong(
            f"The queue's server evicts ({memory.policy}) and would lose queued tasks and limits:"
            " set maxmemory-policy noeviction there, and give the cache a server of its own."
        )
    if memory.server.uses == (CACHE,) and memory.limit and not evicts:
        yield attention(
            f"The cache's server is limited to {size_words(memory.limit)} and evicts nothing (noeviction):"
            " once it is full it refuses every write, and nothing new is cached. Set maxmemory-policy allkeys-lfu."
        )


def _fullness(memory: Memory) -> Iterator[Advice]:
    """Whether there is room where it is needed: a cache that evicts is full when it does its work."""
    name = memory.server.name
    if memory.limit is None:
        if memory.host and memory.used > MUCH_OF_HOST * memory.host:
            yield attention(
                f"The {name} server holds {size_words(memory.used)}, over half of its machine's memory,"
                " and has no limit: set maxmemory before the machine ends it."
            )
    elif memory.policy == "noeviction" and memory.used >= NEARLY_FULL * memory.limit:
        level = wrong if memory.used >= FULL * memory.limit else attention
        yield level(
            f"The {name} server holds {size_words(memory.used)} of {size_words(memory.limit)} and refuses writes"
            " when it is full: raise maxmemory, or see whether tasks pile up."
        )
